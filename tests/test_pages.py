"""Tests of the pages: links lead to files of the repository, and commands have their options."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ganport_export.cli import export_gan
from ganport_runtime.cli.root import ganport
from ganport_runtime.cli.sample import sample_gan
from ganport_runtime.cli.serve import serve_gan
from ganport_train.cli.eval import eval_gan
from ganport_train.cli.train import train_gan
from ganport_train.config.parsing import describe
from ganport_train.config.recipe import Recipe

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")])
COMMANDS: dict[str, click.Command] = {
    "ganport": ganport,
    "sample-gan": sample_gan,
    "serve-gan": serve_gan,
    "train-gan": train_gan,
    "eval-gan": eval_gan,
    "export-gan": export_gan,
}
OPTIONS = {line.split()[0] for line in describe(Recipe)}
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


def command_lines(text: str) -> Iterator[str]:
    """Yield each line of a page's code blocks that starts with a command of ours."""
    for language, block in re.findall(r"^ *```(\w*).*?\n(.*?)^ *```", text, re.S | re.M):
        for line in block.replace("\\\n", " ").splitlines():
            if language in ("", "sh") and line.strip().partition(" ")[0] in COMMANDS:
                yield line.strip()


def unknown_words(line: str) -> list[str]:
    """Return the subcommands and options in a line that its command does not have."""
    name, *words = shlex.split(line, comments=True)
    command: click.Command | None = COMMANDS[name]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        if words[0] not in command.list_commands(click.Context(command)):
            return words[:1]
        _, command, words = command.resolve_command(click.Context(command), words)
    assert command is not None
    known = {option for p in command.get_params(click.Context(command)) for option in p.opts}
    known |= {option for p in command.params for option in p.secondary_opts}
    unknown = {word for word in words if word.startswith("--")} - known
    if name == "train-gan":
        pairs = {word.partition("=")[0] for word in words if re.match(r"\w+\.\w+=", word)}
        unknown |= pairs - OPTIONS
    return sorted(unknown)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_commands_have_their_options(page: Path) -> None:
    lines = command_lines(page.read_text(encoding="utf-8"))
    assert [(line, words) for line in lines if (words := unknown_words(line))] == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("ganport dataset draw faces --count 9 --out f.zip  # --none", []),
        ("ganport dataset sketch faces", ["sketch"]),
        ("sample-gan draw starter --sed 7", ["--sed"]),
        ("train-gan quick --set length.hours=2 data.mirror=false", ["length.hours"]),
    ],
)
def test_unknown_words_of_a_line_are_found(line: str, found: list[str]) -> None:
    assert unknown_words(line) == found


def test_command_lines_of_a_text_are_found() -> None:
    text = (
        "```\nganport info a\n   train-gan b \\\n  --dry-run\n```\n```python\nganport info c\n```\n"
    )
    assert list(command_lines(text)) == ["ganport info a", "train-gan b    --dry-run"]
