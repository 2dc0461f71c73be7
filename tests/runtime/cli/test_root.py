from importlib.metadata import EntryPoint
from typing import Any

import pytest

from ganport_runtime import errors
from ganport_runtime.cli import root


@pytest.fixture(autouse=True)
def two_packages(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Register a command of this package, and one whose package requires a missing package."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "incomplete_package.py").write_text("import nosuchpackage\n")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setitem(errors.PACKAGE_EXTRAS, "incomplete_package", "incomplete")
    values = {"info": "ganport_runtime.cli.inspection:info", "study": "incomplete_package:study"}
    entries = {name: EntryPoint(name, value, "ganport.commands") for name, value in values.items()}
    monkeypatch.setitem(vars(root.ganport), "entries", entries)


def test_help_lists_commands_with_missing_packages(run: Any) -> None:
    result = run("ganport", "--help")
    assert result.code == 0
    lines = [line.split(maxsplit=1) for line in result.out.splitlines()[-2:]]
    assert [line[0] for line in lines] == ["info", "study"]
    assert lines[1][1] == "Run: pip install 'ganport[incomplete]'"


@pytest.mark.parametrize("arguments", [(), ("--help",), ("draw", "--count", "3")])
def test_command_with_a_missing_package_exits_6(run: Any, arguments: tuple[str, ...]) -> None:
    result = run("ganport", "study", *arguments)
    assert result.code == 6
    assert "nosuchpackage" in result.err
    assert result.err.endswith("pip install 'ganport[incomplete]'\n")


def test_unknown_command_exits_2(run: Any) -> None:
    assert run("ganport", "paint").code == 2


def test_version_option_prints_the_version(run: Any) -> None:
    assert run("ganport", "--version").out.startswith("ganport, version ")
