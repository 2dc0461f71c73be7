"""The bundle that ships with the runtime: small, whole, and there when nothing else is."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle import bundle as bundle_module
from ganport_runtime.cli.inspection import info
from ganport_runtime.cli.sample import sample_gan
from ganport_runtime.errors import BundleError
from ganport_runtime.generator import Generator
from ganport_runtime.verify import verify

SHIPPED = Path(bundle_module.__file__).parents[1] / "starter.ganport"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_is_small_ours_and_asks_for_hair_and_eyes() -> None:
    bundle = Bundle.open("starter")
    assert bundle.path == SHIPPED
    assert SHIPPED.stat().st_size <= 2**20
    assert bundle.manifest.name == "starter"
    assert bundle.manifest.license == "Apache-2.0"
    assert bundle.manifest.image.size == (64, 64)
    assert {n: len(g.labels) for n, g in bundle.manifest.conditions.fields.items()} == {
        "hair": 12,
        "eyes": 10,
    }


def test_it_passes_every_check_of_a_bundle() -> None:
    checks = list(verify(Bundle.open("starter")))
    assert len(checks) >= 8
    assert [check for check in checks if check.passed is False] == []


# Where the hair is in nearly every face the project draws: above the forehead.
FRINGE = (slice(10, 22), slice(20, 44))


@pytest.mark.parametrize(
    ("hair", "near"),
    [("red", (196, 36, 50)), ("blue", (54, 98, 212)), ("green", (78, 166, 84))],
)
def test_hair_is_of_the_colour_asked_for(hair: str, near: tuple[int, int, int]) -> None:
    faces = Generator.load("starter", "cpu").generate({"hair": hair}, seed=0, count=16)
    rows, columns = FRINGE
    colour = np.median(faces[:, rows, columns].reshape(-1, 3), axis=0)
    assert np.abs(colour - near).max() <= 50


def test_seeds_and_eyes_change_the_picture() -> None:
    faces = Generator.load("starter", "cpu")
    one, other = faces.generate(seeds=[1, 2])
    assert np.abs(one.astype(int) - other).mean() > 10
    blue = faces.generate({"eyes": "blue"}, seed=1)[0].astype(int)
    red = faces.generate({"eyes": "red"}, seed=1)[0].astype(int)
    changed = (blue - red)[24:44]  # the band the eyes are in
    assert changed[..., 2].sum() > 0 > changed[..., 0].sum()


def test_commands_take_it_by_name(elsewhere: Path) -> None:
    told = CliRunner().invoke(info, ["starter"], catch_exceptions=False)
    assert told.exit_code == 0
    assert "hair (one_hot)" in told.output
    line = ["matrix", "starter", "--rows", "hair", "--columns", "eyes", "--seed", "7"]
    done = CliRunner().invoke(sample_gan, [*line, "--out", "matrix.png"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert (elsewhere / "matrix.png").stat().st_size > 100_000


@pytest.mark.parametrize("zipped", [True, False])
def test_a_bundle_of_that_name_in_the_folder_comes_first(
    tiny: Any, elsewhere: Path, zipped: bool
) -> None:
    if zipped:
        shutil.copy(tiny.zipped(), "starter")
    else:
        shutil.copytree(tiny.path, "starter")
    assert Bundle.open("starter").manifest.name == "tiny"
    assert Bundle.open("./starter").manifest.name == "tiny"


def test_another_folder_of_that_name_does_not_stand_in_the_way() -> None:
    Path("starter").mkdir()
    assert Bundle.open("starter").path == SHIPPED


def test_only_the_bare_name_is_resolved(elsewhere: Path) -> None:
    for path in ("faces/starter", "starter.ganport", "Starter", str(elsewhere / "starter")):
        with pytest.raises(BundleError, match="found no such file"):
            Bundle.open(path)


def test_a_package_without_its_data_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_module, "_SHIPPED", Path("nowhere.ganport"))
    with pytest.raises(BundleError) as caught:
        Bundle.open("starter")
    assert caught.value.place == "starter"
    assert "nowhere.ganport" in caught.value.found
    assert "--collect-data ganport_runtime" in caught.value.fix
