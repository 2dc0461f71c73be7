"""Tests of the pages: every relative link leads to a file of the repository."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")


def relative_links(text: str) -> list[str]:
    """Return the targets of a page's links, without anchors and without web addresses."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    targets = (match[1].split("#")[0] for match in LINK.finditer(text))
    return [target for target in targets if target and "://" not in target]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_links_lead_to_existing_files(page: Path) -> None:
    links = relative_links(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_relative_links_of_a_text_are_found() -> None:
    text = "[a](b.md#c), ![d](e/f.webp), [g](https://example.org), [h](#here)\n```\n[x](y)\n```"
    assert relative_links(text) == ["b.md", "e/f.webp"]


def test_page_of_exit_codes_names_every_command() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    assert [name for name in scripts["scripts"] if f"`{name}`" not in page] == []
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    files = "\n".join(file.read_text(encoding="utf-8") for file in ROOT.glob("*/ganport_*/**/*.py"))
    stated = {int(code) for code in re.findall(r"exit_code(?:: int)? = (\d+)", files)}
    assert stated <= codes
