import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from ganport_train.cli.dataset import dataset
from ganport_train.data import DataError
from ganport_train.pages import tagger


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    (tmp_path / "faces/images").mkdir(parents=True)
    for number in range(3):
        image = Image.linear_gradient("L").rotate(90 * number)
        image.convert("RGB").save(tmp_path / f"faces/images/{number}.png")
    lines = [f"{number},pink hair black eyes\n" for number in range(3)]
    (tmp_path / "faces/tags.csv").write_text("".join(lines))
    return tmp_path / "faces"


def test_check_valid_dataset_exits_with_0(faces: Path) -> None:
    result = CliRunner().invoke(dataset, ["check", str(faces), "--resolution", "32"])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{faces}: tagged images, 3 usable images\n")
    assert result.stderr == ""


def test_check_says_what_training_would_use(faces: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    result = CliRunner().invoke(dataset, ["check", str(faces), "--sheet", str(sheet)])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    start = lines.index("training would use")
    assert lines[start + 1 : start + 4] == [
        "  images  64 x 64 gray",
        "  hair    only one label, pink",
        "  eyes    only one label, black",
    ]
    assert "only 3 training images" in lines[start + 4]
    assert "hair: pink is the only label" in lines[start + 5]
    with Image.open(sheet) as page:
        assert page.format == "PNG"


def test_check_without_usable_images_claims_no_training(faces: Path) -> None:
    (faces / "tags.csv").write_text("9,pink hair\n")
    result = CliRunner().invoke(dataset, ["check", str(faces)])
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[3] == "training would use nothing, because no image is usable"
    assert lines[5] == "issues: 1 error, 3 warnings"
    assert not {"conditions", "gray,", "sizes", "duplicates"} & set(result.stdout.split())
    report = CliRunner().invoke(dataset, ["check", str(faces), "--json"])
    assert json.loads(report.stdout)["advice"] == []


@pytest.fixture
def sprites(tmp_path: Path) -> Path:
    """Sixteen images of 16 colors each over a transparent ground: pixel art."""
    for number in range(2):
        (tmp_path / f"sprites/kind-{number}").mkdir(parents=True)
    for number in range(16):
        image = Image.new("RGBA", (16, 16))
        for column in range(16):
            color = (16 * column, 255 - 16 * number, 60, 255)
            image.paste(color, (column, 2, column + 1, 14))
        image.save(tmp_path / f"sprites/kind-{number % 2}/{number}.png")
    return tmp_path / "sprites"


@pytest.mark.parametrize(
    ("options", "described"),
    [
        ([], "16 x 16 rgba, pixelated, 256 colors, alpha 0 or 255"),
        (["--palette", "8"], "16 x 16 rgba, pixelated, 8 colors, alpha 0 or 255"),
        (["--palette", "none"], "16 x 16 rgba, pixelated, alpha 0 or 255"),
        (["--pixelated", "false"], "16 x 16 rgba, alpha 0 or 255"),
        (["--mode", "rgb", "--pixelated", "true"], "16 x 16 rgb, pixelated"),
    ],
)
def test_check_says_what_the_options_of_a_recipe_would_use(
    sprites: Path, options: list[str], described: str
) -> None:
    result = CliRunner().invoke(dataset, ["check", str(sprites), "--resolution", "16", *options])
    assert f"  images  {described}\n" in result.stdout


def test_check_sheet_has_the_colors_of_the_palette(sprites: Path, tmp_path: Path) -> None:
    found = []
    for palette in ("none", "2"):
        sheet = tmp_path / f"{palette}.png"
        arguments = ["check", str(sprites), "--resolution", "16", "--sheet", str(sheet)]
        assert CliRunner().invoke(dataset, [*arguments, "--palette", palette]).exit_code == 0
        with Image.open(sheet) as page:
            colors = [color for _, color in page.convert("RGB").getcolors(1 << 16) or ()]
        found.append(sum(max(color) - min(color) > 40 for color in colors))  # text is gray
    assert found[0] > 100
    assert 0 < found[1] <= 2


@pytest.mark.parametrize("palette", ["1", "257", "many"])
def test_check_palette_out_of_range_is_a_usage_error(sprites: Path, palette: str) -> None:
    result = CliRunner().invoke(dataset, ["check", str(sprites), "--palette", palette])
    assert result.exit_code == 2
    assert "--palette" in result.stderr


def test_init_writes_a_table_to_fill_in_and_never_twice(faces: Path) -> None:
    folder = faces / "images"
    arguments = ["init", str(folder), "--column", "hair", "--column", "eyes"]
    result = CliRunner().invoke(dataset, arguments)
    assert result.exit_code == 0
    assert "3 images. Fill in hair, eyes" in result.stdout
    table = (folder / "metadata.csv").read_text(encoding="utf-8-sig")
    assert table.splitlines()[0] == "file_name,hair,eyes"
    assert isinstance(CliRunner().invoke(dataset, arguments).exception, DataError)
    assert (folder / "metadata.csv").read_text(encoding="utf-8-sig") == table


def test_tag_shows_the_page_of_the_folder(faces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[Path, int, bool]] = []

    def show(folder: Path, port: int, *, open_browser: bool) -> None:
        shown.append((folder, port, open_browser))

    monkeypatch.setattr(tagger, "show", show)
    for options in ([], ["--port", "8123", "--no-browser"]):
        assert CliRunner().invoke(dataset, ["tag", str(faces), *options]).exit_code == 0
    assert shown == [(faces, 0, True), (faces, 8123, False)]


def test_check_error_exits_with_1_and_names_location(faces: Path) -> None:
    (faces / "images/1.png").write_bytes(b"no image")
    result = CliRunner().invoke(dataset, ["check", str(faces)])
    assert result.exit_code == 1
    assert "issues: 1 error, 0 warnings" in result.stdout
    assert f"{faces}/tags.csv:2 (images/1.png): expected a complete JPEG" in result.stdout


def test_check_warning_exits_with_0(faces: Path) -> None:
    (faces / "tags.csv").write_text("0,pink hair black eyes\n")
    result = CliRunner().invoke(dataset, ["check", str(faces), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["errors"] == 0
    assert len(json.loads(result.stdout)["issues"]) == 2


def test_check_missing_path_prints_error(tmp_path: Path) -> None:
    command = "from ganport_runtime.cli.launch import run_entry_point; run_entry_point("
    command += "'ganport_train.cli.dataset:dataset', extra='tools', packages=())"
    result = subprocess.run(
        [sys.executable, "-c", command, "check", str(tmp_path / "absent")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {tmp_path}/absent: expected a folder or a zip file")
    assert "Traceback" not in result.stderr


def test_dataset_group_lists_draw() -> None:
    result = CliRunner().invoke(dataset, ["draw", "faces", "--help"])
    assert result.exit_code == 0
    assert "--count" in result.stdout
    assert "draw" in CliRunner().invoke(dataset, ["--help"]).stdout


def test_dataset_imports_no_torch(faces: Path) -> None:
    code = (
        "import sys; from ganport_train.cli.dataset import dataset;"
        f"dataset(['check', {str(faces)!r}], standalone_mode=False);"
        "from ganport_train.data import load_dataset;"
        "from pathlib import Path;"
        f"load_dataset({str(faces)!r}, resolution=16, cache=Path({str(faces)!r}));"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("arguments", [("draw", "faces", "--count", "3"), ("check", "faces.zip")])
def test_dataset_without_pillow_prints_pip_line(arguments: tuple[str, ...]) -> None:
    code = (
        "import importlib.abc, sys\n"
        "class NoPillow(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name.partition('.')[0] == 'PIL':\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, NoPillow())\n"
        "from ganport_runtime.__main__ import ganport\n"
        "ganport()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "dataset", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 6
    assert result.stderr.endswith("found no PIL. Run: pip install 'ganport[train]'\n")
    assert result.stderr.count("\n") == 1


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    (tmp_path / "celeba/images").mkdir(parents=True)
    for number in range(2):
        image = Image.linear_gradient("L").rotate(90 * number)
        image.convert("RGB").save(tmp_path / f"celeba/images/{number}.png")
    table = "2\nBald Smiling\n0.png -1 1\n1.png -1 -1\n"
    (tmp_path / "celeba/list_attr_celeba.txt").write_text(table)
    return tmp_path / "celeba"


def test_check_selected_attributes(celeba: Path) -> None:
    arguments = ["check", str(celeba), "--json", "--attribute", "Smiling", "--attribute", "Bald"]
    result = CliRunner().invoke(dataset, arguments)
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["format"] == "CelebA"
    assert report["conditions"]["labels"] == {"attributes": {"Smiling": 1, "Bald": 0}}


def test_check_requested_format(celeba: Path) -> None:
    (celeba / "dataset.json").write_text('{"labels": [["images/0.png", 4], ["images/1.png", 2]]}')
    result = CliRunner().invoke(
        dataset, ["check", str(celeba), "--format", "stylegan_json", "--json"]
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout)["conditions"]["labels"] == {"class": {"2": 1, "4": 1}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--attribute", "smile"),
            "the attribute 'smile'; found 2 others. Did you mean 'Smiling'?",
        ),
        (("--format", "iclevr"), "expected `train.json`, `objects.json` and the images"),
    ],
)
def test_check_unsupported_choice_raises(
    celeba: Path, arguments: tuple[str, str], message: str
) -> None:
    result = CliRunner().invoke(dataset, ["check", str(celeba), *arguments])
    assert isinstance(result.exception, DataError)
    assert message in str(result.exception)


def test_check_unknown_format_exits_with_2(celeba: Path) -> None:
    result = CliRunner().invoke(dataset, ["check", str(celeba), "--format", "celebA"])
    assert result.exit_code == 2
    assert "'celebA' is not one of 'auto', 'tagged_csv'" in result.stderr
