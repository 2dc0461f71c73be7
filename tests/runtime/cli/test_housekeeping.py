import json
import shutil
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from ganport_runtime.bundle import verify
from ganport_runtime.cli import launch, root


@pytest.fixture(autouse=True)
def few_rooms(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The commands of this room, and one of a room that lacks a package."""
    rooms = tmp_path_factory.mktemp("rooms")
    (rooms / "lacking_room.py").write_text("import nosuchpackage\n")
    monkeypatch.syspath_prepend(rooms)
    monkeypatch.setitem(launch.ROOM_EXTRAS, "lacking_room", "lacking")
    values = {
        "info": "ganport_runtime.cli.info:info",
        "verify": "ganport_runtime.cli.verify:verify",
        "study": "lacking_room:study",
    }
    entries = {name: EntryPoint(name, value, "ganport.commands") for name, value in values.items()}
    monkeypatch.setitem(vars(root.ganport), "_entries", entries)
    monkeypatch.setattr(verify, "entry_points", lambda group: [])


def test_info_tells_what_a_stranger_needs(run: Any, data: Path) -> None:
    result = run("ganport", "info", data / "tiny.ganport")
    assert result.code == 0
    for part in (
        "tiny 1.0.0 (test)",
        "8 x 8 RGB, uint8",
        "batch       1 to 64; drawn 64 at a time on a CPU",
        "condition  float32 [batch, 5]",
        "hair (one_hot), default black",
        "pink, black, dark red",
        '"black hair blue eyes"',
        "generator.onnx  8,116 bytes",
        "limit  1e-05",
        "written_by  tests/runtime/make_tiny.py",
        "Apache-2.0",
    ):
        assert part in result.out


def test_info_as_json(run: Any, data: Path) -> None:
    value = json.loads(run("ganport", "info", data / "tiny.ganport", "--json").out)
    manifest = json.loads((data / "tiny.ganport/manifest.json").read_bytes())
    assert value.pop("digest")
    assert value == manifest


def test_info_of_other_forms(run: Any, data: Path) -> None:
    assert "conditions: none" in run("ganport", "info", data / "tiny-unconditional.onnx").out


def test_info_says_what_each_graph_can_be_asked_for(run: Any, data: Path) -> None:
    flow = run("ganport", "info", data / "tiny-flow.ganport").out
    assert "graph gan.generate/1\n  generate: pictures of seeds" in flow
    assert "graph gan.encode/1\n  encode: the noise of pictures" in flow
    assert "latent directions: face/glasses, face/smiling, face/young" in flow
    translator = run("ganport", "info", data / "tiny-translator.ganport").out
    assert "graph gan.translate/1\n  translate: pictures to others" in translator
    assert "latent directions" not in translator


def test_info_tells_the_form_of_a_file(run: Any, tiny: Any) -> None:
    tiny.edit(lambda value: value["graphs"][0]["files"][0].update(form="odd"))
    shown = run("ganport", "info", tiny.path).out
    assert "in     generator.onnx  onnx fp32, form odd\n" in shown


def test_info_of_a_graph_of_a_later_version(run: Any, tiny_translator: Any) -> None:
    tiny_translator.edit(lambda value: value["graphs"][0].update(interface="gan.film/1"))
    shown = run("ganport", "info", tiny_translator.path).out
    assert "graph gan.film/1\n  of a later version of ganport" in shown


def test_verify_prints_a_line_for_each_check(run: Any, tiny: Any) -> None:
    result = run("ganport", "verify", tiny.path)
    assert result.code == 0
    assert [line[:6] for line in result.out.splitlines()] == ["ok    "] * 8


def test_verify_exits_1_when_a_check_fails(run: Any, tiny: Any) -> None:
    (tiny.path / "MODEL_CARD.md").write_text("changed")
    result = run("ganport", "verify", tiny.path)
    assert result.code == 1
    assert "FAIL  digest of MODEL_CARD.md: " in result.out
    assert "1 of the checks failed" in result.err


@pytest.mark.parametrize("command", ["info", "verify"])
def test_what_is_no_bundle_is_one_line(run: Any, tmp_path: Path, command: str) -> None:
    result = run("ganport", command, tmp_path)
    assert result.code == 1
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1


def test_a_newer_bundle_asks_for_a_newer_ganport(run: Any, tiny: Any) -> None:
    tiny.edit(lambda value: value.update(schema_version=2))
    result = run("ganport", "info", tiny.path)
    assert "pip install --upgrade ganport" in result.err


def test_help_lists_every_room(run: Any) -> None:
    result = run("ganport", "--help")
    assert result.code == 0
    assert "  info    Show what BUNDLE is" in result.out
    assert "  study   Run: pip install 'ganport[lacking]'" in result.out


@pytest.mark.parametrize("arguments", [(), ("--help",), ("draw", "--count", "3")])
def test_a_command_of_a_room_that_lacks_a_package(run: Any, arguments: tuple[str, ...]) -> None:
    result = run("ganport", "study", *arguments)
    assert result.code == 6
    assert "found no nosuchpackage" in result.err
    assert result.err.endswith("Run: pip install 'ganport[lacking]'\n")


def test_a_command_nobody_knows(run: Any) -> None:
    assert run("ganport", "paint").code == 2


def test_the_version(run: Any) -> None:
    assert run("ganport", "--version").out.startswith("ganport, version ")


def test_a_bundle_without_its_manifest(run: Any, tiny: Any) -> None:
    shutil.move(tiny.path / "manifest.json", tiny.path / "other.json")
    assert "manifest.json: expected a file" in run("ganport", "info", tiny.path).err
