"""Stop signals, fatal errors of device and disk, and the rollback after a divergence."""

import signal
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from ganport_models.selection import FOLDER, newest
from ganport_runtime.errors import DeviceError
from ganport_train.backend.device import is_device_lost, is_out_of_memory
from ganport_train.backend.distributed import ProcessGroup
from ganport_train.config import recipes
from ganport_train.config.recipe import Recipe
from ganport_train.config.sections import RecoveryOptions
from ganport_train.engine.trainer import Trainer
from ganport_train.runs.metrics import read_log
from ganport_train.runs.run_dir import RunEnvironment, read_config, write_config
from ganport_train.runs.train_state import (
    NO_ROLLBACK,
    DeviceMemoryError,
    DiskFullError,
    DivergedError,
    LostDeviceError,
    Rollback,
    StopSignal,
    catch_stop_signals,
    plan_rollback,
    scale_lr,
    translate_fatal_errors,
)

Start = Callable[..., Trainer]
Digests = Callable[[Path], dict[str, str]]
Timeless = Callable[..., list[dict[str, object]]]

BLOWS_UP = [
    "method.loss=least_squares",
    "network.norm=none",
    "optimizer.generator=sgd",
    "optimizer.discriminator=sgd",
    "optimizer.lr_decay_images=0",
    "optimizer.generator_lr=1.0",
    "optimizer.discriminator_lr=1.0",
]
"""A squared loss at a learning rate of 1, infinite after a few steps."""


@pytest.fixture
def blown(tiny: list[str], trainer: Start) -> Callable[..., Trainer]:
    """Return a run that diverges, with its config, in the given folder."""

    def start(run: Path, *more: str) -> Trainer:
        words = [*tiny, "length.max_images=48", "logging.eval_images=0", *BLOWS_UP, *more]
        session = trainer(run, recipes.load("quick", words))
        if not (run / "config.toml").exists():
            now = RunEnvironment.current(run, "abc", torch.device("cpu"))
            write_config(run, session.recipe, now)
        return session

    return start


ROLLBACK = ("recovery.on_divergence=rollback", "recovery.lr_factor=0.001")


def test_train_diverged_stops_with_advice(tmp_path: Path, blown: Start) -> None:
    run = tmp_path / "run"
    with pytest.raises(DivergedError) as caught:
        blown(run).train(StopSignal())
    assert caught.value.exit_code == 3
    message = str(caught.value)
    assert f"The last good checkpoint is {run / FOLDER / '000000000'}. Start a new" in message
    assert f"train-gan --resume {run} --set recovery.on_divergence=rollback" in message
    assert read_config(run)[1].rollback == NO_ROLLBACK


def test_train_diverged_with_rollback_continues_at_lower_rates(
    tmp_path: Path, blown: Start
) -> None:
    run, messages = tmp_path / "run", []
    session = blown(run, *ROLLBACK)
    session.log = messages.append
    assert session.train(StopSignal()) is True
    rollback = session.rollback
    assert (rollback.step, rollback.lr_factor) == (0, 0.001)
    assert f"diverged: {rollback.reason}; continues with 0.001 of the learning rates" in messages
    assert read_config(run)[1].rollback == rollback
    assert newest(run)[1]["rollback"] == asdict(rollback)
    lines = read_log(run)
    assert [line["step"] for line in lines] == list(range(1, 13))
    assert {line["lr_factor"] for line in lines} == {0.001}
    rates = {
        group["lr"]
        for optimizer in session.method.optimizers.values()
        for group in optimizer.param_groups
    }
    assert rates == {0.001}


def test_train_second_divergence_stops(tmp_path: Path, blown: Start) -> None:
    run = tmp_path / "run"
    with pytest.raises(DivergedError, match=r"continued from step 0 with a factor of 0\.9"):
        blown(run, ROLLBACK[0], "recovery.lr_factor=0.9").train(StopSignal())
    assert read_config(run)[1].rollback.lr_factor == 0.9
    again = blown(run, ROLLBACK[0], "recovery.lr_factor=0.001")
    again.resume(read_config(run)[1].rollback)
    with pytest.raises(DivergedError, match=r"a factor of 0\.9"):
        again.train(StopSignal())


def test_resume_after_a_rollback_is_exact(
    tmp_path: Path, blown: Start, timeless: Timeless, digests: Digests
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert blown(whole, *ROLLBACK).train(StopSignal())
    stop = StopSignal()
    first = blown(parts, *ROLLBACK)

    def request_stop(line: str) -> None:
        stop.requested = first.rollback.happened and first.state.step == 5

    first.log = request_stop
    assert first.train(stop) is False
    second = blown(parts, *ROLLBACK)
    second.resume(read_config(parts)[1].rollback)
    assert second.state.step == 5
    assert second.train(StopSignal())
    assert digests(whole) == digests(parts)
    assert timeless(whole) == timeless(parts)


def test_resume_diverged_run_rolls_back(tmp_path: Path, blown: Start) -> None:
    run = tmp_path / "run"
    with pytest.raises(DivergedError):
        blown(run).train(StopSignal())
    again = blown(run, *ROLLBACK)
    again.resume()
    assert again.train(StopSignal()) is True
    assert read_config(run)[1].rollback.happened


def test_roll_back_of_several_processes_waits_for_resume(tmp_path: Path, blown: Start) -> None:
    run = tmp_path / "run"
    session = blown(run, *ROLLBACK)
    session.save()
    session.processes = ProcessGroup(rank=0, world_size=2)
    with pytest.raises(DivergedError, match=r"--resume continues from there"):
        session.roll_back(DivergedError.from_value("g_loss at step 3", "inf", run))
    left = read_config(run)[1].rollback
    assert left == Rollback(0, 0.001, "inf in g_loss at step 3")
    again = blown(run, *ROLLBACK)
    again.resume(left)
    assert again.train(StopSignal()) is True


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("network", ["discriminator", "average"])
def test_save_of_a_weight_that_is_not_finite_raises_and_writes_nothing(
    tmp_path: Path, recipe: Recipe, trainer: Start, network: str, value: float
) -> None:
    session = trainer(tmp_path / "run", recipe)
    with torch.no_grad():
        next(session.model.networks[network].parameters()).view(-1)[0] = value
    with pytest.raises(DivergedError, match=rf"weight {network}/.* at step 0"):
        session.save()
    assert not (tmp_path / "run" / FOLDER).exists()


def test_rollback_lr_factor_starts_at_its_step() -> None:
    assert [Rollback(4, 0.5).lr_factor_at(step) for step in (0, 3, 4, 9)] == [1, 1, 0.5, 0.5]
    assert NO_ROLLBACK.lr_factor_at(9) == 1
    assert Rollback(0, 0.25).lr_factor_at(0) == 0.25


def test_scale_lr_multiplies_the_rates() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    scale_lr({"generator": optimizer}, 0.25)
    assert optimizer.param_groups[0]["lr"] == 0.125


def test_plan_rollback_without_checkpoint_raises_the_error(tmp_path: Path) -> None:
    error = DivergedError.from_value("g_loss at step 1", "nan", tmp_path)
    with pytest.raises(DivergedError) as caught:
        plan_rollback(error, RecoveryOptions("rollback"), NO_ROLLBACK, tmp_path)
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
def test_translate_fatal_errors_lost_gpu_names_the_last_good_checkpoint(
    tmp_path: Path, recipe: Recipe, trainer: Start, error: Exception
) -> None:
    run = tmp_path / "run"
    trainer(run, recipe).save()
    with pytest.raises(LostDeviceError) as caught, translate_fatal_errors(run):
        raise error
    assert isinstance(caught.value, DeviceError)
    message = str(caught.value)
    assert f"found {str(error).splitlines()[0]}. The last good" in message
    assert f"checkpoint is {run / FOLDER / '000000000'}. When" in message
    assert f"continue with: train-gan --resume {run}" in message
    assert "\n" not in message


def test_translate_fatal_errors_other_errors_pass(tmp_path: Path) -> None:
    failed = "CUDA error: device-side assert triggered"
    for error in (RuntimeError("must match the size"), torch.AcceleratorError(failed)):
        with pytest.raises(type(error)) as caught, translate_fatal_errors(tmp_path):
            raise error
        assert caught.value is error
    with pytest.raises(FileNotFoundError), translate_fatal_errors(tmp_path):
        (tmp_path / "nowhere").read_bytes()


def test_translate_fatal_errors_out_of_memory_names_options(tmp_path: Path) -> None:
    smaller = r"DefaultCPUAllocator.* smaller --set training\.batch_size"
    with pytest.raises(DeviceMemoryError, match=smaller), translate_fatal_errors(tmp_path):
        torch.empty(1 << 60)
    with (
        pytest.raises(DeviceMemoryError, match="found no memory left"),
        translate_fatal_errors(tmp_path),
    ):
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
def test_out_of_memory_is_not_a_lost_gpu(tmp_path: Path, text: str) -> None:
    assert is_out_of_memory(RuntimeError(text))
    with pytest.raises(DeviceMemoryError), translate_fatal_errors(tmp_path):
        raise RuntimeError(text)
    assert not is_out_of_memory(RuntimeError(LOST))
    assert is_device_lost(RuntimeError(LOST))
    assert not is_device_lost(RuntimeError("Expected all tensors to be on the same device"))


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
def test_train_full_disk_names_the_last_good_checkpoint(
    tmp_path: Path, recipe: Recipe, trainer: Start
) -> None:
    run = tmp_path / "run"
    trainer(run, recipe).save()
    with (
        pytest.raises(DiskFullError) as caught,
        translate_fatal_errors(run),
        FULL.open("wb") as file,
    ):
        file.write(b"x")
    assert "found No space left on device" in str(caught.value)
    assert f"checkpoint is {run / FOLDER / '000000000'}. Free some space" in str(caught.value)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_catch_stop_signals_second_signal_interrupts(number: signal.Signals) -> None:
    handler = signal.getsignal(number)
    with catch_stop_signals() as stop:
        assert not stop.requested
        signal.raise_signal(number)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is handler
