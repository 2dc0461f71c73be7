"""Every fault of a recipe is named by its option."""

import math
from dataclasses import fields, is_dataclass

import pytest

from ganport_train.config.parsing import RecipeError, parse
from ganport_train.config.recipe import Recipe


def fault(**sections: object) -> str:
    with pytest.raises(RecipeError) as caught:
        parse(Recipe, {"title": "t", **sections}, place="my.toml")
    return str(caught.value)


def test_parse_uses_defaults_of_missing_options() -> None:
    recipe = parse(Recipe, {"title": "t", "data": {"resolution": 32}}, place="my.toml")
    assert recipe.data.resolution == 32
    assert recipe.data.mirror is True


def test_parse_converts_an_integer_to_a_float() -> None:
    recipe = parse(Recipe, {"title": "t", "method": {"mismatch_weight": 1}}, place="my.toml")
    assert recipe.method.mismatch_weight == 1.0
    assert isinstance(recipe.method.mismatch_weight, float)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"network": {"feature": 8}}, "network.feature: expected one of"),
        ({"network": {"base_channel": 8}}, "Did you mean 'network.base_channels'?"),
        ({"netwrk": {}}, "my.toml: netwrk"),
        ({"network": 3}, "network: expected a table; found 3"),
        ({"network": {"base_channels": "many"}}, "network.base_channels: expected a whole number"),
        (
            {"network": {"base_channels": 1.5}},
            "base_channels: expected a whole number; found 1.5",
        ),
        (
            {"network": {"base_channels": True}},
            "channels: expected a whole number; found True",
        ),
        (
            {"network": {"base_channels": 0}},
            "base_channels: expected a number of at least 1",
        ),
        (
            {"data": {"resolution": 50}},
            "data.resolution: expected a number or [height, width], multiples of 4 from 16 to",
        ),
        ({"data": {"resolution": [64]}}, "expected a number or [height, width]"),
        ({"data": {"resolution": [64, 50]}}, "expected a number or [height, width]"),
        ({"data": {"resolution": [64, "64"]}}, "expected a number or [height, width]"),
        ({"data": {"resolution": True}}, "expected a number or [height, width]"),
        ({"data": {"mode": "cmyk"}}, "data.mode: expected one of auto, gray, rgb, rgba; found"),
        ({"data": {"pixelated": "yes"}}, "data.pixelated: expected auto or true or false; found"),
        ({"data": {"pixelated": 1}}, "data.pixelated: expected auto or true or false; found 1"),
        ({"data": {"palette": 1}}, "data.palette: expected a number of at least 2; found 1"),
        ({"data": {"palette": 257}}, "data.palette: expected a number of at most 256"),
        ({"data": {"palette": True}}, "data.palette: expected auto, none or a whole number"),
        (
            {"data": {"palette": "all"}},
            "data.palette: expected auto, none or a whole number; found",
        ),
        (
            {"training": {"seed": 2**63}},
            "seed: expected a number of at most 9_223_372_036_854_775_8",
        ),
        (
            {"ema": {"bn_calibration_images": 127}},
            "ema.bn_calibration_images: expected",
        ),
        (
            {"ema": {"bn_calibration_images": 2**20 + 1}},
            "a number of at most 1_048_576",
        ),
        ({"optimizer": {"beta1": 1.0}}, "optimizer.beta1: expected a number of at most 0.9999"),
        ({"optimizer": {"beta1": float("nan")}}, "optimizer.beta1: expected a finite number"),
        ({"data": {"mirror": 1}}, "data.mirror: expected true or false; found 1"),
        (
            {"method": {"loss": "bcee"}},
            "method.loss: expected one of bce, saturating, least_squares, hinge, relativistic, ",
        ),
        ({"method": {"loss": "bcee"}}, "Did you mean 'bce'?"),
        ({"conditions": {"hair": "pink"}}, "conditions.hair: expected a list of"),
        ({"conditions": {"hair": []}}, "conditions.hair: expected a list of"),
        ({"conditions": {"hair": ["red", "red"]}}, "conditions.hair: expected each label once"),
        ({"palette": 3}, "palette: expected tables of printable texts; found 3"),
        ({"palette": {"hair": "#ff88cc"}}, "palette: expected tables of printable texts"),
        ({"palette": {"hair": {"pink": 3}}}, "palette: expected tables of printable texts"),
        ({"palette": {"hair": {"": "#ff88cc"}}}, "palette: expected tables of printable texts"),
        (
            {"palette": {"a\nb": {"pink": "#ff88cc"}}},
            "palette: expected tables of printable texts",
        ),
    ],
)
def test_parse_of_an_invalid_option_names_the_error(
    sections: dict[str, object], words: str
) -> None:
    assert words in fault(**sections)


LINE = "expected one printable line of at most 100 characters"


@pytest.mark.parametrize("name", ["title", "source"])
@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", "\u202e", "x" * 101])
def test_parse_of_an_unprintable_or_long_text_names_the_option(name: str, text: str) -> None:
    assert f"my.toml: {name}: {LINE}" in fault(**{name: text})


def test_parse_accepts_a_title_in_any_script() -> None:
    title = "アニメ顔" * 25
    assert parse(Recipe, {"title": title}, place="my.toml").title == title


@pytest.mark.parametrize(
    "sections",
    [
        {"title": "\ud800"},
        {"method": {"loss": "\ud800"}},
        {"conditions": {"hair": ["\ud800"]}},
        {"conditions": {"\ud800": ["red"]}},
        {"palette": {"hair": {"\ud800": "#ff88cc"}}},
        {"\ud800": 3},
    ],
)
def test_parse_of_an_unpaired_surrogate_has_an_encodable_message(
    sections: dict[str, object],
) -> None:
    assert fault(**sections).encode()


def test_parse_keeps_a_palette() -> None:
    palette = {"hair": {"pink": "#ff88cc", "dark (brown)": "#402010"}, "eyes": {}}
    assert parse(Recipe, {"title": "t", "palette": palette}, place="my.toml").palette == palette


def test_number_options_have_bounds() -> None:
    sections = [
        entry.default_factory for entry in fields(Recipe) if is_dataclass(entry.default_factory)
    ]
    rules = {
        f"{section.__name__}.{entry.name}": entry.metadata["constraint"]
        for section in sections
        for entry in fields(section)
        if entry.type in ("int", "float")
    }
    assert len(rules) > 15
    for name, rule in rules.items():
        assert math.isfinite(rule.ge) and math.isfinite(rule.le), name


def test_parse_accepts_the_largest_seed() -> None:
    recipe = parse(Recipe, {"title": "t", "training": {"seed": 2**63 - 1}}, place="my.toml")
    assert recipe.training.seed == 2**63 - 1


def test_parse_without_title_names_the_option() -> None:
    with pytest.raises(RecipeError, match=r"my.toml: title: expected a value; found none"):
        parse(Recipe, {}, place="my.toml")
