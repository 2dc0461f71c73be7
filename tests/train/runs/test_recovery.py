"""What a run does after it diverged, and what it says of memory, a GPU or a disk that ended it."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from ganport_models.metadata import WEIGHTS
from ganport_models.selection import FOLDER, newest
from ganport_runtime.errors import DeviceError
from ganport_train.backend.device import is_lost, is_out_of_memory
from ganport_train.backend.distributed import Processes
from ganport_train.config import recipes
from ganport_train.config.recipe import Recipe
from ganport_train.config.sections import RecoveryOptions
from ganport_train.engine.trainer import Trainer
from ganport_train.runs import jsonl_log
from ganport_train.runs.checkpoint_io import NETWORKS, OPTIMIZERS
from ganport_train.runs.recovery import (
    NEVER,
    FullDiskError,
    LostDeviceError,
    OutOfRoomError,
    Reload,
    lower_rates,
    reload_after,
    survivable,
)
from ganport_train.runs.run_dir import Surroundings, read_config, write_config
from ganport_train.runs.step_metrics import DivergedError
from ganport_train.runs.stop_signal import Interrupt

Start = Callable[..., Trainer]
Until = Callable[..., Recipe]
Timeless = Callable[..., list[dict[str, object]]]

BLOWS_UP = [
    "method.loss=least_squares",
    "network.norm=none",
    "optimizer.generator=sgd",
    "optimizer.discriminator=sgd",
    "optimizer.generator_lr=1.0",
    "optimizer.discriminator_lr=1.0",
]
"""Squares of outputs, descended at a rate of 1: infinite within a few steps."""


@pytest.fixture
def blown(tiny: list[str], trainer: Start) -> Callable[..., Trainer]:
    """A run whose learning blows up, with its configuration, in a folder of that name."""

    def begun(run: Path, *more: str) -> Trainer:
        words = [*tiny, "length.max_images=48", "logging.eval_images=0", *BLOWS_UP, *more]
        session = trainer(run, recipes.load("quick", words))
        if not (run / "config.toml").exists():
            now = Surroundings.now(run, "abc", torch.device("cpu"))
            write_config(run, session.recipe, now)
        return session

    return begun


RELOAD = ("recovery.on_divergence=rollback", "recovery.lr_factor=0.001")


def test_a_run_that_diverges_stops_and_names_the_way_on(tmp_path: Path, blown: Start) -> None:
    run = tmp_path / "run"
    with pytest.raises(DivergedError) as caught:
        blown(run).train(Interrupt())
    assert caught.value.exit_code == 3
    message = str(caught.value)
    assert f"The last good checkpoint is {run / FOLDER / '000000000'}. Start anew" in message
    assert f"train-gan --resume {run} --set recovery.on_divergence=rollback" in message
    assert read_config(run)[1].rollback == NEVER


def test_a_reload_goes_on_at_a_share_of_the_rates(tmp_path: Path, blown: Start) -> None:
    run, told = tmp_path / "run", []
    session = blown(run, *RELOAD)
    session.say = told.append
    assert session.train(Interrupt()) is True
    reload = session.reload
    assert (reload.step, reload.lr_factor) == (0, 0.001)
    assert f"diverged: {reload.reason}; goes on at 0.001 of the rates" in told
    assert read_config(run)[1].rollback == reload
    assert newest(run)[1]["rollback"] == asdict(reload)
    lines = jsonl_log.read(run)
    assert [line["step"] for line in lines] == list(range(1, 13))
    assert {line["lr_factor"] for line in lines} == {0.001}
    rates = {
        group["lr"]
        for optimizer in session.method.optimizers.values()
        for group in optimizer.param_groups
    }
    assert rates == {0.001}


def test_a_second_divergence_ends_the_run(tmp_path: Path, blown: Start) -> None:
    run = tmp_path / "run"
    with pytest.raises(DivergedError, match=r"second time: step 0 was taken up at 0\.9 of its ra"):
        blown(run, RELOAD[0], "recovery.lr_factor=0.9").train(Interrupt())
    assert read_config(run)[1].rollback.lr_factor == 0.9
    again = blown(run, RELOAD[0], "recovery.lr_factor=0.001")
    again.resume(read_config(run)[1].rollback)
    with pytest.raises(DivergedError, match=r"at 0\.9 of its rates before"):
        again.train(Interrupt())


def test_a_stopped_run_resumes_exactly_after_its_reload(
    tmp_path: Path, blown: Start, timeless: Timeless
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert blown(whole, *RELOAD).train(Interrupt())
    interrupt = Interrupt()
    first = blown(parts, *RELOAD)

    def stop(line: str) -> None:
        interrupt.asked = first.reload.happened and first.progress.step == 5

    first.say = stop
    assert first.train(interrupt) is False
    second = blown(parts, *RELOAD)
    second.resume(read_config(parts)[1].rollback)
    assert second.progress.step == 5
    assert second.train(Interrupt())
    for name in (WEIGHTS, NETWORKS, OPTIMIZERS):
        assert (newest(whole)[0] / name).read_bytes() == (newest(parts)[0] / name).read_bytes()
    assert timeless(whole) == timeless(parts)


def test_a_run_that_stopped_is_taken_up_with_a_reload(tmp_path: Path, blown: Start) -> None:
    run = tmp_path / "run"
    with pytest.raises(DivergedError):
        blown(run).train(Interrupt())
    again = blown(run, *RELOAD)
    again.resume()
    assert again.train(Interrupt()) is True
    assert read_config(run)[1].rollback.happened


def test_one_of_several_processes_leaves_the_reload_to_the_next_resume(
    tmp_path: Path, blown: Start
) -> None:
    run = tmp_path / "run"
    session = blown(run, *RELOAD)
    session.save()
    session.processes = Processes(rank=0, count=2)
    with pytest.raises(DivergedError, match=r"--resume goes on from there at lower rates"):
        session._recover(DivergedError.at("g_loss at step 3", "inf", run))
    left = read_config(run)[1].rollback
    assert left == Reload(0, 0.001, "inf in g_loss at step 3")
    again = blown(run, *RELOAD)
    again.resume(left)
    assert again.train(Interrupt()) is True


def test_the_discriminator_is_watched_too(tmp_path: Path, recipe: Recipe, trainer: Start) -> None:
    session = trainer(tmp_path / "run", recipe)
    with torch.no_grad():
        next(session.method.networks["discriminator"].parameters()).view(-1)[0] = torch.nan
    with pytest.raises(DivergedError, match=r"weight discriminator/.* at step 0"):
        session.save()


def test_a_share_counts_from_its_step_on() -> None:
    assert [Reload(4, 0.5).share_at(step) for step in (0, 3, 4, 9)] == [1, 1, 0.5, 0.5]
    assert NEVER.share_at(9) == 1
    assert Reload(0, 0.25).share_at(0) == 0.25


def test_rates_are_lowered_as_they_stand() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    lower_rates({"generator": optimizer}, 0.25)
    assert optimizer.param_groups[0]["lr"] == 0.125


def test_without_a_checkpoint_there_is_nothing_to_reload(tmp_path: Path) -> None:
    error = DivergedError.at("g_loss at step 1", "nan", tmp_path)
    with pytest.raises(DivergedError) as caught:
        reload_after(error, RecoveryOptions("rollback"), NEVER, tmp_path)
    assert caught.value is error
    assert "last good" not in str(error)


FULL = Path("/dev/full")
LOST = "CUDA error: unspecified launch failure\nCUDA kernel errors might be reported later"


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError(LOST),
        RuntimeError(LOST),
        RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`"),
    ],
)
def test_a_lost_gpu_names_the_last_good_checkpoint(
    tmp_path: Path, recipe: Recipe, trainer: Start, error: Exception
) -> None:
    run = tmp_path / "run"
    trainer(run, recipe).save()
    with pytest.raises(LostDeviceError) as caught, survivable(run):
        raise error
    assert isinstance(caught.value, DeviceError)
    message = str(caught.value)
    assert f"found {str(error).splitlines()[0]}. The last good" in message
    assert f"checkpoint is {run / FOLDER / '000000000'}. When" in message
    assert f"go on with: train-gan --resume {run}" in message
    assert "\n" not in message


def test_a_fault_of_the_code_stays_one(tmp_path: Path) -> None:
    failed = "CUDA error: device-side assert triggered"
    for error in (RuntimeError("must match the size"), torch.AcceleratorError(failed)):
        with pytest.raises(type(error)) as caught, survivable(tmp_path):
            raise error
        assert caught.value is error
    with pytest.raises(FileNotFoundError), survivable(tmp_path):
        (tmp_path / "nowhere").read_bytes()


def test_too_little_memory_says_what_to_make_smaller(tmp_path: Path) -> None:
    smaller = r"DefaultCPUAllocator.* smaller --set training\.batch"
    with pytest.raises(OutOfRoomError, match=smaller), survivable(tmp_path):
        torch.empty(1 << 60)
    with pytest.raises(OutOfRoomError, match="found none left"), survivable(tmp_path):
        raise MemoryError


@pytest.mark.parametrize(
    "text",
    [
        "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.",
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_memory_is_told_from_a_lost_gpu(tmp_path: Path, text: str) -> None:
    assert is_out_of_memory(RuntimeError(text))
    with pytest.raises(OutOfRoomError), survivable(tmp_path):
        raise RuntimeError(text)
    assert not is_out_of_memory(RuntimeError(LOST))
    assert is_lost(RuntimeError(LOST))
    assert not is_lost(RuntimeError("Expected all tensors to be on the same device"))


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
def test_a_full_disk_names_the_last_good_checkpoint(
    tmp_path: Path, recipe: Recipe, trainer: Start
) -> None:
    run = tmp_path / "run"
    trainer(run, recipe).save()
    with pytest.raises(FullDiskError) as caught, survivable(run), FULL.open("wb") as file:
        file.write(b"x")
    assert "found No space left on device" in str(caught.value)
    assert f"checkpoint is {run / FOLDER / '000000000'}. Free some space" in str(caught.value)
