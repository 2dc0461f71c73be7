"""Presets by images, device and minutes: which applies, what wins, what is refused."""

import re
from pathlib import Path

import pytest
import torch

from ganport_train.config import presets, recipes
from ganport_train.config.parsing import RecipeError, parse
from ganport_train.config.recipe import Recipe

FEW = '["augment.cutout=0.5", "augment.policy=growing", "length.max_images=9_000"]'
MANY = '["network.base_channels=48"]'


@pytest.fixture
def mine(tmp_path: Path) -> str:
    return written(tmp_path, f"below_1_000 = {FEW}\nfrom_8_000 = {MANY}\n")


def written(folder: Path, lines: str) -> str:
    file = folder / "mine.toml"
    file.write_text(f'extends = "quick"\ntitle = "mine"\n[presets]\n{lines}')
    return str(file)


CPU, CUDA = torch.device("cpu"), torch.device("cuda", 1)


def fitted(
    name: str, images: int, *overrides: str, device: torch.device = CPU
) -> tuple[Recipe, list[str]]:
    return presets.load(name, overrides).select(images, device)


@pytest.mark.parametrize("name", recipes.names())
def test_presets_of_shipped_recipes_change_an_option(name: str) -> None:
    plain = presets.drop_presets(recipes.load(name))
    assert plain.conditions == presets.load(name).plain.conditions
    for preset, line in zip(presets.load(name).presets, presets.load(name).lines(), strict=True):
        assert not line.endswith("no changes")
        if preset.kind == presets.IMAGES:
            for images in (preset.lower, preset.upper - 1):
                recipe, lines = fitted(name, images)
                assert line in lines
                assert parse(Recipe, recipe.to_json(), place="again") == recipe != plain
            assert line not in fitted(name, preset.upper)[1]


def test_presets_of_the_flagship_fit_small_and_large_data_sets() -> None:
    assert fitted("flagship", 999)[0].augment.policy == "growing"
    assert fitted("flagship", 4_999)[0].augment.ada_images == 300_000
    many = fitted("flagship", 50_000, device=CUDA)[0]
    assert (many.network.base_channels, many.training.batch_size) == (64, 64)
    assert fitted("flagship", 50_000)[0].network.base_channels == 16


def test_select_within_a_range_applies_and_reports_the_preset(mine: str) -> None:
    recipe, lines = fitted(mine, 999)
    assert (recipe.augment.cutout, recipe.length.max_images) == (0.5, 9_000)
    assert lines == [
        "preset for fewer than 1,000 images: "
        'augment.cutout = 0.5, augment.policy = "growing", length.max_images = 9_000'
    ]
    assert fitted(mine, 1_000)[1] == fitted(mine, 7_999)[1] == []
    assert fitted(mine, 8_000)[1] == ["preset for 8,000 images or more: network.base_channels = 48"]


def test_select_on_a_device_applies_its_preset_only(tmp_path: Path) -> None:
    name = written(tmp_path, f'on_cpu = {MANY}\non_cuda = ["network.base_channels=96"]\n')
    assert fitted(name, 10)[0].network.base_channels == 48
    recipe, lines = fitted(name, 10, device=CUDA)
    assert recipe.network.base_channels == 96
    assert lines == ["preset for cuda: network.base_channels = 96"]


@pytest.mark.parametrize(("minutes", "features"), [("0", 16), ("9.5", 48), ("10", 16), ("60", 64)])
def test_select_with_minutes_applies_the_preset_of_the_length(
    tmp_path: Path, minutes: str, features: int
) -> None:
    long = 'from_60_minutes = ["network.base_channels=64"]'
    name = written(tmp_path, f"below_10_minutes = {MANY}\n{long}\nfrom_90_minutes = {FEW}\n")
    recipe, _ = fitted(name, 10, f"length.minutes={minutes}")
    assert recipe.network.base_channels == features
    assert (recipe.augment.cutout == 0.5) == (minutes == "0")


def test_select_prefers_minutes_to_device_to_images(tmp_path: Path) -> None:
    lines = ["below_10_minutes", "on_cpu", "below_90"]
    values = ["[]", '["network.base_channels=5", "training.batch_size=8"]', MANY]
    text = "\n".join(f"{name} = {value}" for name, value in zip(lines, values, strict=True))
    name = written(tmp_path, text.replace("[]", '["network.base_channels=6"]'))
    short = "length.minutes=5"
    assert fitted(name, 10, device=CUDA)[0].network.base_channels == 48
    assert fitted(name, 10)[0].network.base_channels == 5
    recipe, told = fitted(name, 10, short)
    assert (recipe.network.base_channels, recipe.training.batch_size, len(told)) == (6, 8, 3)
    assert fitted(name, 10, short, "network.base_channels=7")[0].network.base_channels == 7


def test_select_returns_a_recipe_without_presets(mine: str) -> None:
    assert recipes.load(mine).presets
    for images in (999, 5_000, 8_000):
        recipe, _ = fitted(mine, images)
        assert "presets" not in recipe.to_json()


def test_select_prefers_overrides_and_does_not_report_them(mine: str) -> None:
    recipe, line = fitted(mine, 10, "augment.cutout=0.25", "length.max_images=7", "training.seed=3")
    assert (recipe.augment.cutout, recipe.length.max_images, recipe.training.seed) == (0.25, 7, 3)
    assert line == ['preset for fewer than 1,000 images: augment.policy = "growing"']
    assert fitted(mine, 9_000, "network.base_channels=4")[1] == []


def test_load_sorts_ranges_in_any_order(tmp_path: Path) -> None:
    lines = [f"from_90 = {MANY}", f"below_20 = {FEW}", f"from_50 = {FEW}", f"below_9 = {MANY}"]
    found = presets.load(written(tmp_path, "\n".join(lines))).presets
    assert [(each.lower, each.upper) for each in found] == [
        (0, 9),
        (9, 20),
        (50, 90),
        (90, 10**9 + 1),
    ]
    assert str(found[1]) == "9 to 19 images"


def test_load_merges_presets_of_the_extended_recipe(mine: str, tmp_path: Path) -> None:
    file = tmp_path / "above.toml"
    file.write_text('extends = "mine.toml"\n[presets]\nbelow_1_000 = ["training.batch_size=8"]\n')
    few, many = presets.load(str(file)).presets
    assert (few.overrides, many.overrides) == (
        ("training.batch_size=8",),
        ("network.base_channels=48",),
    )


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('below_9 = ["network.featurs=3"]', r"presets\.below_9: network\.featurs.*Did you mean"),
        (
            'below_9 = ["network.base_channels=wide"]',
            r"presets\.below_9: network\.base_channels: expected a whole number; found 'wide'",
        ),
        ('from_9 = ["augment.cutout=2"]', r"presets\.from_9: augment\.cutout: .*at most 1"),
        ('from_9 = ["features"]', r"presets\.from_9: expected section\.option=value"),
        (
            'from_9 = ["length.max_images=1\\n2"]',
            r"presets\.from_9: expected a list of printable labels",
        ),
        (
            'from_9 = ["length.max_images.more=3"]',
            r"presets\.from_9 length\.max_images\.more: expected an option of a section",
        ),
        ('from_9 = ["data.resolution=32"]', r"from_9: expected options of network, .*found 'data"),
        ('from_9 = ["presets.below_3=x"]', r"from_9: expected options of network, .*found 'pres"),
        ("on_tpu = []", r"presets\.on_tpu: expected a list"),
        (f"on_tpu = {MANY}", r"presets\.on_tpu: expected below_N .*on_cpu or on_cuda"),
        (
            f"below_9_minutes = {MANY}\nfrom_8_minutes = {FEW}",
            r"ascending bounds, .*found below_9_minutes and from_8_minutes",
        ),
        ("from_9 = 3", r"presets\.from_9: expected a list of"),
        (f"under_9 = {MANY}", r"presets\.under_9: expected below_N or from_N.*found 'under_9'"),
        (f"below_0 = {MANY}", r"presets\.below_0: expected below_N or from_N"),
        (f"below_2_000_000_000 = {MANY}", r"from 1 to 1_000_000_000; .*found 'below_2_000"),
        (
            f"below_5000 = {MANY}\nbelow_5_000 = {FEW}",
            r"presets: expected each bound once; found below_5000 and below_5_000",
        ),
        (
            f"below_9 = {MANY}\nfrom_8 = {FEW}",
            r"presets: expected ascending bounds, .*found below_9 and from_8.*Raise the second",
        ),
    ],
)
def test_load_with_an_invalid_preset_names_the_error(
    tmp_path: Path, lines: str, words: str
) -> None:
    name = written(tmp_path, lines)
    with pytest.raises(RecipeError, match=re.compile(rf"mine\.toml: .*{words}", re.DOTALL)):
        presets.load(name)
