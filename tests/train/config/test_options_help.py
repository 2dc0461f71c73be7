"""What a recipe can hold, in lines to read."""

from dataclasses import asdict

from ganport_train.config import recipes
from ganport_train.config.parsing import describe, parse
from ganport_train.config.recipe import Recipe


def lines() -> dict[str, str]:
    return {line.split()[0]: " ".join(line.split()) for line in describe(Recipe)}


def test_describe_returns_a_line_for_each_option() -> None:
    tables = asdict(parse(Recipe, {"title": "t"}, place="my.toml"))
    sections = {name: table for name, table in tables.items() if isinstance(table, dict) and table}
    options = {f"{name}.{option}" for name, table in sections.items() for option in table}
    assert len(describe(Recipe)) == len(lines())
    assert set(lines()) == options | {"title", "source", "conditions", "palette", "presets"}


def test_describe_lists_default_meaning_and_allowed_values() -> None:
    assert lines()["data.resolution"] == (
        "data.resolution 64 side in pixels, or [height, width]; multiples of 4, such as 28, 48 or "
        "[96, 64]"
    )
    momentum = "0.5 decay of the first moment (SGD: momentum); 0 to 0.9999"
    assert lines()["optimizer.beta1"].endswith(momentum)
    assert lines()["training.precision"].endswith("; auto | fp32 | bf16")
    assert lines()["data.pixelated"].endswith("; auto | true | false")
    assert lines()["data.palette"].endswith("; auto | none | 2 to 256")
    assert lines()["title"].startswith("title required title of the recipe; one printable line")
    assert lines()["conditions"].startswith("conditions {} labels of each")
    assert lines()["palette"].startswith("palette {} color of each label")
    assert (
        lines()["data.mirror"]
        == "data.mirror true flip each image horizontally with probability 0.5"
    )


def test_describe_aligns_the_columns() -> None:
    starts = {line.index(rest) for line in describe(Recipe) for rest in [line.split(None, 1)[1]]}
    assert len(starts) == 1


def test_defaults_in_describe_are_valid_overrides() -> None:
    given = [
        "=".join(line.split()[:2])
        for line in describe(Recipe)
        if "." in line.split()[0] or line.startswith("source")
    ]
    assert recipes.load("quick", [*given, "title=t", "conditions={}", "palette={}"]) == parse(
        Recipe, {"title": "t"}, place="my.toml"
    )
