"""Tests of `docs/systems.md`: every row leads to its recipe and its networks.

The page must list the recipes of the reports. Other recipes may stand there.
"""

import re
from inspect import getfile
from pathlib import Path

import pytest

from ganport_models import NetworkConfig, build_discriminator, build_generator
from ganport_train.config import recipes
from ganport_train.studies import study

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "systems.md").read_text()
LINKS = re.findall(r"\]\(([^)#]+)\)", PAGE)
LINES = [line for line in PAGE.splitlines() if line.startswith("| ")]
REPORT = re.compile(r"report (\d{3}), row (\w\d)")
LISTED = [
    name
    for name in recipes.names()
    if REPORT.match(recipes.load(name).source)
    or f"../train/ganport_train/recipes/{name}.toml" in LINKS
]
"""The recipes of the reports, and those that the page lists of its own accord."""
SMALL = NetworkConfig(16, 22, 2, 4, 4, num_levels=1, num_blocks=1)


def line_of(link: str) -> str:
    """Return the one line of a table that holds a link."""
    (line,) = (line for line in LINES if f"({link})" in line)
    return line


@pytest.mark.parametrize("link", sorted(set(LINKS)))
def test_systems_page_link_leads_to_a_file(link: str) -> None:
    assert (DOCS / link).is_file()


@pytest.mark.parametrize("name", LISTED)
def test_systems_page_lists_recipe_under_its_report(name: str) -> None:
    link = f"../train/ganport_train/recipes/{name}.toml"
    source = REPORT.match(recipes.load(name).source)
    report, row = (f"Report {source[1]}", source[2]) if source else ("Ours", "ours")
    assert line_of(link).startswith(f"| {row} | [`{name}`]({link}) |")
    heads = re.findall(r"^## (.*)$", PAGE[: PAGE.index(link)], re.M)
    assert heads[-1].startswith(report)


@pytest.mark.parametrize("name", LISTED)
def test_systems_page_recipe_line_links_its_networks(name: str) -> None:
    network = recipes.load(name).network
    cells = line_of(f"../train/ganport_train/recipes/{name}.toml").split(" | ")[2:4]
    files = [getfile(type(build_generator(network.generator, SMALL)))]
    if network.discriminator == "none":
        assert cells[1] == "none"
    else:
        files.append(getfile(type(build_discriminator(network.discriminator, SMALL))))
    found = [DOCS / link for cell in cells for link in re.findall(r"\((.+)\)", cell)]
    assert [path.resolve() for path in found] == [Path(file).resolve() for file in files]


@pytest.mark.parametrize("name", study.names())
def test_systems_page_lists_study(name: str) -> None:
    comparisons = PAGE[PAGE.index("## The comparisons") :]
    assert f"[`{name}`](../train/ganport_train/studies/{name}.toml)" in comparisons


def test_systems_page_lists_every_row_of_the_reports() -> None:
    counts = {"A": 7, "B": 5, "C": 3, "D": 3, "E": 4}
    rows = {f"{letter}{number + 1}" for letter in counts for number in range(counts[letter])}
    assert rows == set(re.findall(r"^\| ([A-E]\d) \|", PAGE, re.M))


def test_systems_page_example_study_loads(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    file = tmp_path / "rates.toml"
    file.write_text(text)
    assert list(study.load(str(file)).variants) == ["slow", "fast", "other-recipe"]
