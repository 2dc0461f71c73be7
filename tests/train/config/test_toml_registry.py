"""TOML files by name: those shipped, and a user's own."""

from pathlib import Path

import pytest

from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipes import TomlRegistry, read_toml

SHELF = TomlRegistry("recipe", "recipes", "train-gan --list")


def test_registry_finds_shipped_files_by_name() -> None:
    names = SHELF.names()
    assert names == sorted(names)
    assert SHELF.find("quick", Path()) == SHELF.path / "quick.toml"


def test_registry_resolves_paths_relative_to_the_base(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('title = "mine"\n')
    assert SHELF.find("mine.toml", tmp_path) == file
    assert read_toml(file) == {"title": "mine"}
    with pytest.raises(RecipeError, match=r"recipe 'mine\.toml'.*found neither"):
        SHELF.find("mine.toml", tmp_path / "elsewhere")


def test_registry_without_a_match_names_kind_and_list_command() -> None:
    shelf = TomlRegistry("study", "studies", "ganport study --list")
    with pytest.raises(RecipeError, match=r"study 'zzz'.*See ganport study --list\."):
        shelf.find("zzz", Path())
