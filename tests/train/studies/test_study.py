"""Studies by name or file: every shipped one resolves, and every fault is named."""

from pathlib import Path

import pytest
import torch

from ganport_runtime.conditions import Conditions, MultiHot
from ganport_train.config import recipes
from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import differences
from ganport_train.methods.build import build_method
from ganport_train.studies import study
from ganport_train.synthetic.scene_labels import OBJECTS

SMALL = [
    "data.resolution=16",
    "network.z_dim=8",
    "network.embed_dim=8",
    "network.num_levels=2",
    "network.num_blocks=1",
]


def written(folder: Path, text: str) -> str:
    """Return the path of a study's file."""
    file = folder / "mine.toml"
    file.write_text(text)
    return str(file)


def variants(*lines: str) -> str:
    return 'title = "t"\nrecipe = "quick"\n' + "".join(f"[[variant]]\n{line}\n" for line in lines)


QUICK_CHANNELS = recipes.load("quick").network.base_channels
TWO = variants('name = "a"', 'name = "b"\nset = ["network.base_channels=8"]')


@pytest.mark.parametrize("name", study.names())
def test_load_of_a_shipped_study_succeeds(name: str) -> None:
    found = study.load(name)
    assert found.title
    assert found.source.startswith("report 00")
    assert len(found.variants) >= 2


@pytest.mark.parametrize("name", study.names())
def test_networks_of_shipped_studies_can_be_built(name: str) -> None:
    # Widths are what a study of widths compares.
    overrides = SMALL if name == "anime-width" else [*SMALL, "network.base_channels=4"]
    for recipe in study.load(name, overrides).variants.values():
        conditions = recipe.vocabulary() or Conditions((MultiHot("objects", OBJECTS),))
        assert build_method(recipe, conditions, torch.device("cpu")).networks


@pytest.mark.parametrize("name", study.names())
def test_variants_of_one_data_set_read_it_alike(name: str) -> None:
    found = study.load(name)
    for data in found.data_names():
        options = {
            (recipe.data.resolution, recipe.data.format, recipe.data.attributes)
            for variant, recipe in found.variants.items()
            if found.data_of(variant) == data
        }
        assert len(options) == 1


def test_study_of_the_reports_holds_every_row_at_64_pixels() -> None:
    rows = study.load("reports").variants
    reports = {name for name in recipes.names() if recipes.load(name).source.startswith("report")}
    assert set(rows) == reports
    assert {recipe.data.resolution for recipe in rows.values()} == {64}
    assert min(recipe.network.base_channels for recipe in rows.values()) == 32
    sources = list(dict.fromkeys(recipe.source[-2:] for recipe in rows.values()))
    assert sources[:9] == ["A1", "A2", "B2", "C1", "D1", "E3", "E4", "A4", "B3"]


def test_study_of_the_reports_has_the_networks_of_the_reports_on_a_gpu() -> None:
    for name, recipe in study.load("reports", device="cuda").variants.items():
        assert recipe.network == recipes.load(name).network


def test_shipped_studies_cover_all_reports() -> None:
    sources = {study.load(name).source[:10] for name in study.names()}
    assert sources == {f"report 00{number}" for number in range(5)}


def test_variants_of_anime_tips_differ_in_one_tip() -> None:
    tips = study.load("anime-tips").variants
    tables = {name: recipe.to_json() for name, recipe in tips.items()}
    all_tips = tables.pop("all-tips")
    adam = tables["adam-for-both"]
    pairs = {name: tables.pop(name) for name in ("adam-without-1-range", "adam-without-2-loss")}
    assert {name: differences(adam, table) for name, table in pairs.items()} == {
        "adam-without-1-range": ["method.unit_range: False -> True"],
        "adam-without-2-loss": ["method.loss: 'bce' -> 'saturating'"],
    }
    assert {name: differences(all_tips, table) for name, table in tables.items()} == {
        "without-1-range": ["method.unit_range: False -> True"],
        "without-2-loss": ["method.loss: 'bce' -> 'saturating'"],
        "without-9-swapped": [
            "optimizer.discriminator: 'sgd' -> 'adam'",
            "optimizer.generator: 'adam' -> 'sgd'",
        ],
        "adam-for-both": ["optimizer.discriminator: 'sgd' -> 'adam'"],
    }


def test_load_applies_overrides_of_study_variant_and_caller_in_order(tmp_path: Path) -> None:
    text = variants(
        'name = "a"\nset = ["network.base_channels=8"]', 'name = "b"\nrecipe = "anime-cgan"'
    )
    text = text.replace("[[", 'set = ["network.base_channels=4", "network.z_dim=9"]\n[[', 1)
    found = study.load(
        written(tmp_path, text), ["network.z_dim=7", "training.batch_size=6"]
    ).variants
    assert list(found) == ["a", "b"]
    numbers = [(recipe.network.base_channels, recipe.network.z_dim) for recipe in found.values()]
    assert numbers == [(8, 7), (4, 7)]
    assert {recipe.training.batch_size for recipe in found.values()} == {6}
    assert found["b"].title == recipes.load("anime-cgan").title


def test_load_finds_a_recipe_in_the_folder_of_the_study(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('extends = "quick"\ntitle = "mine"\n')
    text = variants('name = "a"\nrecipe = "base.toml"', 'name = "b"')
    found = study.load(written(tmp_path, text + 'set = ["network.base_channels=8"]'))
    assert found.variants["a"].title == "mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('title = "t"', r"mine\.toml: variant: expected 1 to 100 tables .*; found none"),
        ('title = "t"\nvariant = 3', r"variant: .*found 3"),
        ('title = "t"\nvariant = []', r"variant: .*found 0 of them"),
        (TWO.replace("title", "titel"), r"mine\.toml: titel: .*Did you mean 'title'"),
        (TWO.replace('name = "b"', 'nam = "b"'), r"variant 2: nam: .*Did you mean 'variant 2: nam"),
        (TWO.replace('"b"', '"../b"'), r"mine\.toml: variant 2: name: .*found '\.\./b'"),
        (TWO.replace('"b"', '"A"'), r"variant 2: name: expected .*a unique name.*found 'A'"),
        (TWO.replace('"b"', '"comparison"'), r"not 'comparison', .*; found 'comparison'"),
        (TWO.replace('"b"', '"Judges"'), r"'judges', 'sheets'; found 'Judges'"),
        (
            TWO.replace("channels", "chanels"),
            r"mine\.toml: variant b: --set: network\.base_chanels",
        ),
        (TWO.replace('"quick"', '"quik"'), r"variant a: recipe 'quik': .*Did you mean 'quick'"),
        (TWO.replace('recipe = "quick"', ""), r"variant a: recipe ''"),
        (
            TWO.replace("base_channels=8", f"base_channels={QUICK_CHANNELS}"),
            r"different variants; found a and b",
        ),
        (TWO.replace("title", 'set = "x"\ntitle'), r"mine\.toml: set: expected a list"),
        ("[", "expected TOML in UTF-8"),
    ],
)
def test_load_of_an_invalid_study_names_the_variant(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        study.load(written(tmp_path, text))


def test_load_with_an_override_that_makes_variants_equal_fails() -> None:
    with pytest.raises(RecipeError, match="Remove one of them, or the --set"):
        study.load("anime-width", ["network.base_channels=8"])


def test_load_of_an_unknown_study_suggests_the_closest() -> None:
    with pytest.raises(RecipeError, match=r"study 'anime-tip'.*Did you mean 'anime-tips'\?"):
        study.load("anime-tip")


def test_differences_ignore_length_and_logging(tmp_path: Path) -> None:
    file = written(tmp_path, TWO)
    before, after = (
        study.load(file),
        study.load(file, ["length.max_images=9", "logging.log_interval=7"]),
    )
    assert study.differences(before, after) == []


def test_overrides_of_a_device_follow_those_of_all_devices(tmp_path: Path) -> None:
    lines = ('name = "a"\non_cuda = ["network.base_channels=9"]', 'name = "b"')
    text = 'set = ["network.base_channels=5"]\non_cpu = ["network.base_channels=7"]\n'
    file = written(tmp_path, text + variants(*lines) + 'set = ["network.z_dim=9"]')
    widths = {
        device: [
            recipe.network.base_channels
            for recipe in study.load(file, device=device).variants.values()
        ]
        for device in ("cpu", "cuda", "mps")
    }
    assert widths == {"cpu": [7, 7], "cuda": [9, 5], "mps": [5, 5]}


def test_differences_list_removed_added_and_changed_variants(tmp_path: Path) -> None:
    before = study.load(written(tmp_path, TWO))
    after = study.load(written(tmp_path, TWO.replace('"b"', '"c"')), ["training.batch_size=8"])
    assert study.differences(before, after) == [
        "b: removed",
        "a: training.batch_size: 32 -> 8",
    ]
