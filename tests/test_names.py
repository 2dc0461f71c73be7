"""Tests of the language: identifiers, module names and phrases that the project no longer uses."""

import ast
import io
import re
import tokenize
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = [ROOT / name / f"ganport_{name}" for name in ("runtime", "models", "train", "export")]
SOURCES = sorted(file for folder in PACKAGES for file in folder.rglob("*.py"))
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
SCRIPTS = sorted(
    file for name in ("tests", "benchmarks", "examples") for file in (ROOT / name).rglob("*.py")
)
OWN = {Path(__file__), ROOT / "tests" / "contract" / "renames.py"}
"""Files that must spell the old names."""

LISTS = tomllib.loads((ROOT / "tests" / "banned_names.toml").read_text(encoding="utf-8"))
CLASSES, MODULES, IDENTIFIERS = (
    frozenset(LISTS[key].split()) for key in ("classes", "modules", "identifiers")
)
PHRASES = re.compile(rf"\b({LISTS['phrases'].strip()})\b", re.IGNORECASE)
ALLOWED_PHRASES = re.compile(
    r"`[^`]*`|https?://\S+|\"[^\"]*\"",  # code, addresses and quotations
)


def identifiers_of(tree: ast.AST) -> set[str]:
    """Return every name that a module defines: classes, functions, parameters, variables."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                found.add(name)
            case ast.AsyncFunctionDef(name=name) | ast.arg(arg=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                found.add(name)
            case _:
                pass
    return {name.lstrip("_") for name in found}


def comments_of(text: str) -> list[tuple[int, str]]:
    """Return the comments and docstrings of a module, each with the number of its first line."""
    found = [
        (token.start[0], token.string)
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    ]
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(string)), lineno=line):
                found.append((line, string))
            case _:
                pass
    return found


def banned_phrases(text: str) -> list[str]:
    return [match[0] for match in PHRASES.finditer(ALLOWED_PHRASES.sub("", text))]


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


@pytest.mark.parametrize("file", SOURCES, ids=name_of)
def test_source_file_defines_no_banned_name(file: Path) -> None:
    found = identifiers_of(ast.parse(file.read_text(encoding="utf-8")))
    assert not found & (CLASSES | IDENTIFIERS)
    assert file.stem.lstrip("_") not in MODULES


@pytest.mark.parametrize(
    "file", [file for file in SOURCES + SCRIPTS if file not in OWN], ids=name_of
)
def test_python_file_comments_use_no_banned_phrase(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    comments = comments_of(text) if PHRASES.search(text) else []  # to read tokens takes long
    found = [(line, phrase) for line, text in comments for phrase in banned_phrases(text)]
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_page_uses_no_banned_phrase(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert banned_phrases(text) == []


def test_banned_names_are_found_in_a_module_that_defines_them() -> None:
    tree = ast.parse("class Desk:\n    def settle(self, asked):\n        self._lone = asked")
    assert identifiers_of(tree) & (CLASSES | IDENTIFIERS) == {"Desk", "settle", "asked", "lone"}
    assert banned_phrases("It draws so many pictures `beside` it.") == ["so many", "pictures"]
