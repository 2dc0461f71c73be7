"""Recipes by name or file, one extending another, with overrides."""

from dataclasses import replace
from pathlib import Path

import pytest

from ganport_train.config import recipes
from ganport_train.config.parsing import RecipeError


@pytest.mark.parametrize("name", recipes.names())
def test_load_of_a_shipped_recipe_succeeds(name: str) -> None:
    recipe = recipes.load(name)
    assert recipe.title
    assert recipe.source


def test_load_of_anime_cgan_matches_row_a1() -> None:
    recipe = recipes.load("anime-cgan")
    vocabulary = recipe.vocabulary()
    assert vocabulary is not None
    assert [(group.name, group.size) for group in vocabulary.groups] == [("hair", 12), ("eyes", 10)]
    assert (recipe.optimizer.beta1, recipe.optimizer.beta2) == (0.5, 0.999)
    assert (recipe.network.base_channels, recipe.network.z_dim, recipe.network.embed_dim) == (
        64,
        100,
        256,
    )


def test_load_parses_overrides_as_toml_or_text() -> None:
    recipe = recipes.load(
        "quick",
        [
            "network.base_channels=16",
            "method.loss=bce",
            "method.mismatch_weight=1e-1",
            "data.mirror=false",
        ],
    )
    assert (recipe.network.base_channels, recipe.method.loss) == (16, "bce")
    assert (recipe.method.mismatch_weight, recipe.data.mirror) == (0.1, False)


def test_load_with_an_override_sets_the_vocabulary() -> None:
    recipe = recipes.load("quick", ['conditions.hat=["none", "cap"]'])
    assert recipe.conditions == {"hat": ("none", "cap")}


def test_load_with_an_override_of_a_section_keeps_its_other_options() -> None:
    quick = recipes.load("quick")
    network = recipes.load("quick", ["network={base_channels=8}"]).network
    assert network == replace(quick.network, base_channels=8)


def test_load_with_an_override_of_the_vocabulary_replaces_it() -> None:
    recipe = recipes.load("anime-cgan", ['conditions={hat=["none", "cap"]}'])
    assert recipe.conditions == {"hat": ("none", "cap")}


@pytest.mark.parametrize("text", ["features", "=3", ".x=3", "network.=3", "title.x=3"])
def test_load_with_a_malformed_override_names_set(text: str) -> None:
    with pytest.raises(RecipeError, match="--set"):
        recipes.load("quick", [text])


def test_load_with_an_unknown_option_suggests_the_closest() -> None:
    with pytest.raises(RecipeError, match=r"--set: network\.featurs.*Did you mean"):
        recipes.load("quick", ["network.featurs=3"])


def test_load_of_a_file_extends_a_shipped_recipe(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('extends = "anime-cgan"\ntitle = "mine"\n[network]\nbase_channels = 16\n')
    recipe = recipes.load(str(file))
    assert (recipe.title, recipe.network.base_channels) == ("mine", 16)
    assert recipe.network.generator == "concat_dcgan"
    assert len(recipe.conditions["hair"]) == 12


def test_load_of_a_file_replaces_the_vocabulary(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('extends = "anime-cgan"\n[conditions]\nhat = ["none", "cap"]\n')
    assert recipes.load(str(file)).conditions == {"hat": ("none", "cap")}


def test_base_of_a_recipe_is_the_shipped_one_that_it_is_or_extends(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('extends = "quick"\n')
    (tmp_path / "top.toml").write_text('extends = "base.toml"\n')
    (tmp_path / "own.toml").write_text('title = "mine"\n')
    assert recipes.find_base("flagship") == "flagship"
    assert recipes.find_base(str(tmp_path / "top.toml")) == "quick"
    assert recipes.find_base("own.toml", tmp_path) == ""


def test_load_of_a_file_extends_a_file_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('extends = "quick"\n[data]\nresolution = 32\n')
    (tmp_path / "top.toml").write_text('extends = "base.toml"\n')
    assert recipes.load(str(tmp_path / "top.toml")).data.resolution == 32


def test_load_of_a_cycle_fails(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('extends = "b.toml"\n')
    (tmp_path / "b.toml").write_text('extends = "a.toml"\n')
    with pytest.raises(RecipeError, match="a longer chain, or a cycle"):
        recipes.load(str(tmp_path / "a.toml"))


HUGE = "1" * 5000
DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"length.max_images={HUGE}", r"--set length\.max_images: .*thousands of digits"),
        (f"conditions={DEEP}", r"--set conditions: .*nested too deeply"),
        (
            "method.mismatch_weight=" + "1" * 400,
            r"mismatch_weight: expected a finite number",
        ),
        ("training.seed=0x" + "f" * 5000, r"--set: training\.seed: .*found a huge int"),
        ("title=a\nfoo=3", r"--set: title: expected one printable line"),
        ('title="a"\nfoo=3', r"--set title: expected one value"),
        (
            "network.base_channels=8\n[data]\nresolution=32",
            r"--set network\.base_channels: expected one value",
        ),
        ("conditions" + ".x" * 3000 + "=1", r"--set: conditions\.x: expected a list of"),
    ],
)
def test_load_with_a_malicious_override_names_the_error(text: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        recipes.load("quick", [text])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"[length]\nimages = {HUGE}", "thousands of digits"),
        (f"title = {DEEP}", "nested too deeply"),
        (
            'title = "t"\n[method]\nmismatch_weight = ' + "1" * 400,
            r"method\.mismatch_weight: expected a finite number",
        ),
        ('"a\\u001b" = 1', r"mine\.toml: a\\x1b: expected one of"),
        ("a" + ".x" * 5000 + " = 1", r"mine\.toml: a: expected one of"),
        ("#" * 2**20 + "\n", r"at most 1,048,576 bytes; found 1,048,577 bytes"),
    ],
)
def test_load_of_a_malicious_file_names_the_file(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(RecipeError, match=words) as caught:
        recipes.load(str(file))
    assert "mine.toml" in str(caught.value)


def test_load_accepts_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('extends = "quick"\ntitle = "mine"\n', encoding="utf-8-sig")
    assert recipes.load(str(file)).title == "mine"


def test_load_of_a_folder_fails(tmp_path: Path) -> None:
    folder = tmp_path / "mine.toml"
    folder.mkdir()
    with pytest.raises(RecipeError, match=r"mine\.toml.*found a folder"):
        recipes.load(str(folder))


def test_load_of_a_too_long_name_fails() -> None:
    with pytest.raises(RecipeError, match=r"expected a \.toml file.*File name too long"):
        recipes.load("a" * 1000 + ".toml")


def test_load_of_deeply_nested_files_fails(tmp_path: Path) -> None:
    deep = "a" + ".x" * 5000 + " = 1\n"
    (tmp_path / "base.toml").write_text(deep)
    (tmp_path / "top.toml").write_text('extends = "base.toml"\n' + deep)
    with pytest.raises(RecipeError, match=r"top\.toml: a: expected one of"):
        recipes.load(str(tmp_path / "top.toml"))


@pytest.mark.parametrize("text", ["title = ", "\xff", "extends = 3\n"])
def test_load_of_a_corrupt_file_names_the_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(RecipeError, match=r"mine\.toml"):
        recipes.load(str(file))


def test_load_of_an_unknown_recipe_suggests_the_closest() -> None:
    with pytest.raises(RecipeError, match="Did you mean 'quick'"):
        recipes.load("quik")
