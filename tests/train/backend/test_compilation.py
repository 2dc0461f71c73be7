"""Compiled networks: results equal to eager ones, and modes that are not available."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters

from ganport_models.selection import FOLDER
from ganport_train.backend import compilation
from ganport_train.backend.compilation import CompileError
from ganport_train.backend.device import enable_determinism
from ganport_train.backend.distributed import ProcessGroup
from ganport_train.config import recipes
from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset
from ganport_train.engine.trainer import Trainer
from ganport_train.methods.build import build_method
from ganport_train.runs.run_dir import create_run_dir
from ganport_train.runs.train_state import StopSignal

CPU = torch.device("cpu")
STEPS, BATCH = 4, 4
# Plain descent: Adam would make full steps of the roundings where a gradient is nothing, as that of
# a bias under a batch norm is.
DESCENT = [
    "network.base_channels=4",
    "optimizer.generator=sgd",
    "optimizer.discriminator=sgd",
    "optimizer.generator_lr=0.01",
    "optimizer.discriminator_lr=0.01",
    f"length.max_images={STEPS * BATCH}",
    "logging.eval_images=0",
]
SMALL = ["network.num_blocks=1", "method.mismatch_weight=0.5"]
CASES = {
    "quick": ["quick", "method.discriminator_steps=2"],
    "flagship": ["flagship", *SMALL],
    "penalties": [
        *("flagship", *SMALL, "method.loss=relativistic", "method.diversity_weight=0"),
        *("method.r1=0.1", "method.r2=0.1"),
    ],
}
TOLERANCE = 1e-5
"""Of weights after four steps at a rate of 0.01, which have moved by 1e-3 and more."""

Start = Callable[..., Trainer]
Until = Callable[..., Recipe]
Digests = Callable[[Path], dict[str, str]]


@pytest.fixture
def made(tiny: list[str]) -> Callable[[str, str], Recipe]:
    """Return a trainer of a case at a small size in a mode of `training.compile`."""

    def built(case: str, how: str) -> Recipe:
        name, *overrides = CASES[case]
        options = [*tiny, *DESCENT, *overrides, f"training.compile={how}"]
        return recipes.load(name, options)

    return built


@pytest.fixture
def tracing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trace and differentiate as torch.compile does, without minutes of code generation."""
    traced = partial(torch.compile, backend="aot_eager")
    monkeypatch.setattr(compilation, "_check_compiler", lambda device: None)
    monkeypatch.setattr(torch, "compile", traced)


@pytest.fixture
def compiler() -> None:
    """Skips a test on a machine that cannot compile."""
    try:
        compilation._check_compiler(CPU)
    except CompileError as error:
        pytest.skip(str(error))


def farthest(one: Trainer, other: Trainer) -> float:
    """How far apart the weights, buffers and averages of two runs are at most."""
    left, right = one.model.tensors(), other.model.tensors()
    assert left.keys() == right.keys()
    return max(_apart(left[name], right[name]) for name in left)


def _apart(left: Tensor, right: Tensor) -> float:
    return float((left.double() - right.double()).abs().max())


def trained(session: Trainer) -> Trainer:
    assert session.train(StopSignal())
    return session


def hold_equal(folder: Path, plain: Recipe, compiled: Recipe, trainer: Start) -> None:
    """Check that a compiled run ends with the weights of an eager run."""
    start = trainer(folder / "start", plain)
    one, other = trained(trainer(folder / "plain", plain)), trainer(folder / "compiled", compiled)
    assert other.method.networks.keys() == one.method.networks.keys()
    assert farthest(trained(other), one) < TOLERANCE
    assert farthest(start, one) > 100 * TOLERANCE


def hold_graphs() -> None:
    # A generator that learns; features and scores in the steps of both networks.
    assert counters["stats"]["unique_graphs"] >= 5
    assert not counters["graph_break"]


@pytest.mark.long
@pytest.mark.usefixtures("tracing")
def test_traced_steps_with_penalties_give_the_weights_of_eager_steps(
    tmp_path: Path, made: Callable[[str, str], Recipe], trainer: Start
) -> None:
    counters.clear()
    hold_equal(tmp_path, made("penalties", "none"), made("penalties", "networks"), trainer)
    hold_graphs()


@pytest.mark.long
@pytest.mark.usefixtures("compiler")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("case", CASES)
def test_compiled_steps_give_the_weights_of_eager_steps(
    tmp_path: Path, case: str, made: Callable[[str, str], Recipe], trainer: Start
) -> None:
    hold_equal(tmp_path, made(case, "none"), made(case, "networks"), trainer)


def resumes_exactly(
    folder: Path, recipe: Recipe, trainer: Start, until: Until, digests: Digests
) -> None:
    """Check that a run in two parts ends with the bits of a run in one part."""
    whole, parts = folder / "whole", folder / "parts"
    trained(trainer(whole, recipe))
    trained(trainer(parts, until(recipe, STEPS * BATCH // 2)))
    second = trainer(parts, recipe)
    second.resume()
    assert second.state.step == STEPS // 2
    trained(second)
    assert digests(whole) == digests(parts)


@pytest.mark.usefixtures("tracing")
def test_traced_run_gives_the_weights_of_an_eager_run_and_resumes_exactly(
    tmp_path: Path, made: Callable[[str, str], Recipe], trainer: Start, digests: Digests
) -> None:
    counters.clear()
    recipe = made("quick", "networks")
    often = replace(recipe.logging, checkpoint_minutes=0, keep=STEPS + 1)
    recipe = replace(recipe, logging=often)
    hold_equal(tmp_path, made("quick", "none"), recipe, trainer)
    hold_graphs()
    parts = shutil.copytree(tmp_path / "compiled", tmp_path / "parts")
    for later in range(STEPS // 2 + 1, STEPS + 1):
        shutil.rmtree(parts / FOLDER / f"{later:09d}")
    second = trainer(parts, recipe)
    second.resume()
    assert second.state.step == STEPS // 2
    trained(second)
    assert digests(tmp_path / "compiled") == digests(parts)


@pytest.mark.long
@pytest.mark.usefixtures("compiler")
@pytest.mark.timeout(1200)
def test_compiled_run_resumes_exactly(
    tmp_path: Path,
    made: Callable[[str, str], Recipe],
    trainer: Start,
    until: Until,
    digests: Digests,
) -> None:
    resumes_exactly(tmp_path, made("quick", "networks"), trainer, until, digests)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("how", ["networks", "graphs"])
@pytest.mark.parametrize("case", CASES)
def test_compiled_steps_on_a_gpu_give_the_weights_of_eager_steps(
    tmp_path: Path, case: str, how: str, made: Callable[[str, str], Recipe], dataset: Dataset
) -> None:
    enable_determinism()

    def on_gpu(folder: Path, recipe: Recipe) -> Trainer:
        create_run_dir(folder)
        return Trainer(folder, recipe, dataset, torch.device("cuda"), log=print)

    hold_equal(tmp_path, made(case, "none"), made(case, how), on_gpu)


@pytest.mark.usefixtures("tracing")
def test_compiled_network_shares_the_parameters_of_the_original(
    recipe: Recipe, dataset: Dataset
) -> None:
    method = build_method(recipe, dataset.conditions, CPU)
    plain = method.compiled  # type: ignore[attr-defined]
    twins = plain.compile("networks", 1)
    for network, twin in (
        (plain.generator, twins.generator),
        (plain.discriminator, twins.discriminator),
    ):
        assert twin is not network and type(twin) is type(network)
        assert list(map(id, network.parameters())) == list(map(id, twin.parameters()))
        assert network.state_dict().keys() == twin.state_dict().keys()
    assert plain.compile("none", 1) is plain


def test_clone_outputs_with_graphs_copies_the_metrics(recipe: Recipe, dataset: Dataset) -> None:
    plain = build_method(recipe, dataset.conditions, CPU).compiled  # type: ignore[attr-defined]
    figure = torch.tensor(1.0)
    kept = replace(plain, uses_graphs=True).clone_outputs({"d_loss": figure})
    figure.fill_(2.0)
    assert kept == {"d_loss": torch.tensor(1.0)}
    assert plain.clone_outputs({"d_loss": figure})["d_loss"] is figure


def refused(tmp_path: Path, recipe: Recipe, trainer: Start, how: str) -> str:
    changed = replace(recipe, training=replace(recipe.training, compile=how))
    with pytest.raises(RecipeError) as caught:
        trainer(tmp_path / "run", changed)
    return str(caught.value)


def test_compile_with_graphs_on_a_cpu_fails(tmp_path: Path, recipe: Recipe, trainer: Start) -> None:
    assert refused(tmp_path, recipe, trainer, "graphs") == (
        "training.compile: expected a CUDA device for graphs; found cpu. "
        "Use --device cuda, or set training.compile=networks or none in a new run."
    )


@pytest.mark.parametrize("name", ["iclevr-glow", "celeba-stargan"])
def test_compile_of_another_method_fails(
    tmp_path: Path, name: str, tiny: list[str], trainer: Start
) -> None:
    options = [*tiny, "network.num_blocks=1", "network.num_levels=2", "logging.eval_images=0"]
    words = refused(tmp_path, recipes.load(name, options), trainer, "networks")
    assert "expected none, unless method.name = adversarial; found networks" in words


def test_compile_with_several_processes_fails(recipe: Recipe, dataset: Dataset) -> None:
    method = build_method(recipe, dataset.conditions, CPU)
    method.processes = ProcessGroup(rank=0, world_size=2)
    with pytest.raises(RecipeError, match=r"several processes; found networks,"):
        method.compile("networks")


def test_compile_without_a_compiler_names_the_package(
    tmp_path: Path, recipe: Recipe, trainer: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch._inductor import config

    monkeypatch.setattr(config.cpp, "cxx", (None, str(tmp_path / "none" / "g++")))
    changed = replace(recipe, training=replace(recipe.training, compile="networks"))
    with pytest.raises(CompileError) as caught:
        trainer(tmp_path / "run", changed)
    words = str(caught.value)
    assert "training.compile: expected a machine with a C++ compiler, such as g++" in words
    assert words.endswith("Install it (CXX names another one), or set training.compile=none.")
