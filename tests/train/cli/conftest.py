"""What tests of `train-gan` share: tiny settings, a call of it, what it says when it refuses."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ganport_runtime.errors import GanportError
from ganport_train.cli.train import train_gan

Invoke = Callable[..., Result]


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
    """Return the message of a refused `train-gan`, and check that it is an error of ours."""

    def said(*words: str | Path) -> str:
        result = invoke(*words)
        assert result.exit_code != 0
        if isinstance(result.exception, GanportError):
            return str(result.exception)
        assert isinstance(result.exception, SystemExit), result.exception
        return result.output

    return said
