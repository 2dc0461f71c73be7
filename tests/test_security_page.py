"""Every limit on the page about security names a test that exists."""

import re
from dataclasses import fields
from pathlib import Path

from ganport_runtime.service.settings import Settings

ROOT = Path(__file__).parents[1]


def test_every_limit_names_an_existing_test() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    section = page.split("\n## Limits")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    rows = [line for line in lines if not line.startswith("| what |")]
    named = [re.findall(r"`(test_\w+)`", row) for row in rows]
    assert all(named)
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py"))
    existing = set(re.findall(r"def (test_\w+)", code))
    assert [name for names in named for name in names if name not in existing] == []


def test_every_limit_of_the_service_stands_in_a_row() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = page.split("### Requests of the service")[1].split("\n### ")[0]
    settings = Settings()
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    for name, value in values.items():
        if name.startswith("max_"):
            unit = 20 if value >= 1 << 20 and value != settings.max_pixels else 0
            shown = {f"{int(value) >> unit:,}", f"{int(value) >> unit}"}
            assert shown & set(re.findall(r"[\d,]*\d", rows)), name
