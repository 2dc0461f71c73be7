"""Calls of `train-gan` and `ganport study` in this process, with tiny settings."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ganport_runtime.errors import GanportError
from ganport_train.cli.study import study as ganport_study
from ganport_train.cli.train import train_gan

Invoke = Callable[..., Result]


def refusal_of(result: Result) -> str:
    """Return the message of a refused command, and check that it is an error of ours."""
    assert result.exit_code != 0
    if isinstance(result.exception, GanportError):
        return str(result.exception)
    assert isinstance(result.exception, SystemExit), result.exception
    return result.output


class StudyCommand:
    """Writes tiny studies of `quick` to a folder, and calls `ganport study`."""

    def __init__(self, folder: Path, overrides: list[str]) -> None:
        self.folder = folder
        self.overrides = overrides

    def write(self, **variants: list[str]) -> Path:
        """Write a study with a variant for each name and its overrides."""
        common = [
            *self.overrides,
            "length.max_images=8",
            "logging.checkpoint_minutes=0",
            "logging.eval_images=16",
        ]
        lines = ['title = "Tiny"', 'source = "a test"', 'recipe = "quick"', f"set = {common}"]
        for name, overrides in variants.items():
            lines += ["[[variant]]", f'name = "{name}"', f"set = {overrides}"]
        path = self.folder / "tiny.toml"
        path.write_text("\n".join(lines))
        return path

    def invoke(self, *words: str | Path) -> Result:
        return CliRunner().invoke(ganport_study, [str(word) for word in words])

    def refusal(self, *words: str | Path) -> str:
        return refusal_of(self.invoke(*words))


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANPORT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture
def settings(tiny: list[str]) -> Callable[..., list[str]]:
    """Return the `--set` arguments of a tiny run that saves a checkpoint at every tick.

    No score, unless it is asked for.
    """

    def words(*more: str) -> list[str]:
        wanted = [*tiny, "logging.checkpoint_minutes=0", "logging.eval_images=0", *more]
        return [word for text in wanted for word in ("--set", text)]

    return words


@pytest.fixture(scope="session")
def invoke() -> Invoke:
    """Call `train-gan` in this process."""

    def called(*words: str | Path) -> Result:
        return CliRunner().invoke(train_gan, [str(word) for word in words])

    return called


@pytest.fixture(scope="session")
def refusal(invoke: Invoke) -> Callable[..., str]:
    """Return a function that returns the message of a refused `train-gan`."""

    def said(*words: str | Path) -> str:
        return refusal_of(invoke(*words))

    return said


@pytest.fixture
def study(tmp_path: Path, tiny: list[str]) -> StudyCommand:
    return StudyCommand(tmp_path, tiny)
