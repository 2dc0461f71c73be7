"""The bundle that ships with the runtime."""

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


def test_starter_is_small_and_has_hair_and_eyes() -> None:
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


def test_starter_passes_every_check() -> None:
    checks = list(verify(Bundle.open("starter")))
    assert len(checks) >= 8
    assert [check for check in checks if check.passed is False] == []


# The region above the forehead, which is hair in nearly every generated face.
HAIR_REGION = (slice(10, 22), slice(20, 44))


@pytest.mark.parametrize(
    ("hair", "expected"),
    [("red", (196, 36, 50)), ("blue", (54, 98, 212)), ("green", (78, 166, 84))],
)
def test_starter_hair_has_the_requested_color(hair: str, expected: tuple[int, int, int]) -> None:
    faces = Generator.load("starter", "cpu").generate({"hair": hair}, seed=0, count=16)
    rows, columns = HAIR_REGION
    color = np.median(faces[:, rows, columns].reshape(-1, 3), axis=0)
    assert np.abs(color - expected).max() <= 50


def test_starter_image_changes_with_seed_and_eyes() -> None:
    faces = Generator.load("starter", "cpu")
    one, other = faces.generate(seeds=[1, 2])
    assert np.abs(one.astype(int) - other).mean() > 10
    blue = faces.generate({"eyes": "blue"}, seed=1)[0].astype(int)
    red = faces.generate({"eyes": "red"}, seed=1)[0].astype(int)
    changed = (blue - red)[24:44]  # the band the eyes are in
    assert changed[..., 2].sum() > 0 > changed[..., 0].sum()


def test_commands_accept_the_name_starter(elsewhere: Path) -> None:
    result = CliRunner().invoke(info, ["starter"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "hair (one_hot)" in result.output
    line = ["matrix", "starter", "--rows", "hair", "--columns", "eyes", "--seed", "7"]
    matrix = CliRunner().invoke(sample_gan, [*line, "--out", "matrix.png"], catch_exceptions=False)
    assert matrix.exit_code == 0, matrix.output
    assert (elsewhere / "matrix.png").stat().st_size > 100_000


@pytest.mark.parametrize("zipped", [True, False])
def test_bundle_named_starter_in_the_folder_takes_precedence(
    tiny: Any, elsewhere: Path, zipped: bool
) -> None:
    if zipped:
        shutil.copy(tiny.zipped(), "starter")
    else:
        shutil.copytree(tiny.path, "starter")
    assert Bundle.open("starter").manifest.name == "tiny"
    assert Bundle.open("./starter").manifest.name == "tiny"


def test_folder_named_starter_without_a_bundle_is_ignored() -> None:
    Path("starter").mkdir()
    assert Bundle.open("starter").path == SHIPPED


def test_resolve_path_changes_only_the_bare_name(elsewhere: Path) -> None:
    for path in ("faces/starter", "starter.ganport", "Starter", str(elsewhere / "starter")):
        with pytest.raises(BundleError, match="found no such file"):
            Bundle.open(path)


def test_missing_package_data_is_a_bundle_error_with_the_fix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bundle_module, "_PACKAGE", Path("nowhere"))
    with pytest.raises(BundleError) as caught:
        Bundle.open("starter-sprites")
    assert caught.value.place == "starter-sprites"
    assert "starter-sprites.ganport" in caught.value.found
    assert "--collect-data ganport_runtime" in caught.value.fix
