"""TOML files by name: those shipped, and a user's own."""

from pathlib import Path

import pytest

from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipes import TomlRegistry, read_toml

SHELF = TomlRegistry("recipe", "recipes", "train-gan --list")


def test_shipped_names_are_sorted_and_found() -> None:
    names = SHELF.names()
    assert names == sorted(names)
    assert SHELF.find("quick", Path()) == SHELF.path / "quick.toml"


def test_a_relative_path_starts_beside(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('title = "mine"\n')
    assert SHELF.find("mine.toml", tmp_path) == file
    assert read_toml(file) == {"title": "mine"}
    with pytest.raises(RecipeError, match=r"recipe 'mine\.toml'.*found neither"):
        SHELF.find("mine.toml", tmp_path / "elsewhere")


def test_what_is_nowhere_is_named_by_kind_and_list() -> None:
    shelf = TomlRegistry("study", "studies", "ganport study --list")
    with pytest.raises(RecipeError, match=r"study 'zzz'.*See ganport study --list\."):
        shelf.find("zzz", Path())
