import json
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from ganport_runtime import verify
from ganport_runtime.cli import inspection, root
from ganport_runtime.doctor.probe import ProbeResult, SystemInfo


@pytest.fixture(autouse=True)
def own_commands_only(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {
        name: EntryPoint(name, f"ganport_runtime.cli.inspection:{name}", "ganport.commands")
        for name in ("info", "verify", "doctor")
    }
    monkeypatch.setitem(vars(root.ganport), "entries", entries)
    monkeypatch.setattr(verify, "entry_points", lambda group: [])


def test_info_shows_conditions_files_parity_and_provenance(run: Any, data: Path) -> None:
    result = run("ganport", "info", data / "tiny.ganport")
    assert result.code == 0
    for part in (
        "tiny 1.0.0 (test)",
        "8 x 8 rgb, uint8 NHWC",
        "1 to 64, preferably 64 on a CPU",
        "condition  float32 [batch, 5]",
        "hair (one_hot), default black",
        "pink, black, dark red",
        '"black hair blue eyes"',
        "generator.onnx  8,116 bytes",
        "limit  1e-05",
        "written_by  ",
        "Apache-2.0",
    ):
        assert part in result.out


def test_info_json_is_the_manifest_and_the_digest(run: Any, data: Path) -> None:
    value = json.loads(run("ganport", "info", data / "tiny.ganport", "--json").out)
    manifest = json.loads((data / "tiny.ganport/manifest.json").read_bytes())
    assert value.pop("digest")
    assert value == manifest


def test_info_of_an_unconditional_graph_has_no_conditions(run: Any, data: Path) -> None:
    assert "conditions: none" in run("ganport", "info", data / "tiny-unconditional.onnx").out


def test_info_shows_what_each_graph_can_do(run: Any, data: Path) -> None:
    flow = run("ganport", "info", data / "tiny-flow.ganport").out
    assert "graph gan.generate/1\n  generate: " in flow
    assert "graph gan.encode/1\n  encode: " in flow
    assert "latent directions: face/glasses, face/smiling, face/young" in flow
    translator = run("ganport", "info", data / "tiny-translator.ganport").out
    assert "graph gan.translate/1\n  translate: " in translator
    assert "latent directions" not in translator


def test_info_shows_the_form_of_a_file(run: Any, tiny: Any) -> None:
    tiny.edit(lambda value: value["graphs"][0]["files"][0].update(form="odd"))
    output = run("ganport", "info", tiny.path).out
    assert "generator.onnx  onnx fp32, form odd\n" in output


def test_info_of_an_unknown_interface_names_a_later_version(run: Any, tiny_translator: Any) -> None:
    tiny_translator.edit(lambda value: value["graphs"][0].update(interface="gan.film/1"))
    output = run("ganport", "info", tiny_translator.path).out
    assert "graph gan.film/1\n  of a later version of ganport" in output


def test_verify_prints_a_line_for_each_check(run: Any, tiny: Any) -> None:
    result = run("ganport", "verify", tiny.path)
    assert result.code == 0
    assert [line[:6] for line in result.out.splitlines()] == ["ok    "] * 8


def test_verify_with_a_failed_check_exits_1(run: Any, tiny: Any) -> None:
    (tiny.path / "MODEL_CARD.md").write_text("changed")
    result = run("ganport", "verify", tiny.path)
    assert result.code == 1
    assert "FAIL  digest of MODEL_CARD.md: " in result.out
    assert result.err.startswith("1 of ")


@pytest.mark.parametrize("command", ["info", "verify"])
def test_command_on_an_invalid_bundle_prints_one_line(
    run: Any, tmp_path: Path, command: str
) -> None:
    result = run("ganport", command, tmp_path)
    assert result.code == 1
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1


def test_info_of_a_newer_schema_names_the_upgrade(run: Any, tiny: Any) -> None:
    tiny.edit(lambda value: value.update(schema_version=3))
    result = run("ganport", "info", tiny.path)
    assert "pip install --upgrade ganport" in result.err


def test_info_without_manifest_names_the_file(run: Any, tiny: Any) -> None:
    (tiny.path / "manifest.json").rename(tiny.path / "other.json")
    assert "manifest.json: expected a file" in run("ganport", "info", tiny.path).err


def test_doctor_on_this_machine_finds_the_cpu(run: Any) -> None:
    result = run("ganport", "doctor", "--json")
    value = json.loads(result.out)
    assert result.code == 0
    assert "cpu" in value["devices"]
    states = {finding["name"]: finding["state"] for finding in value["findings"]}
    assert states["device cpu"] == states["ganport"] == "ok"
    assert value["system"]["packages"]["numpy"]


@pytest.mark.parametrize(
    ("probe", "code", "state"),
    [
        (ProbeResult("cpu", milliseconds=0.5), 0, "ok"),
        (ProbeResult("cpu", error="no onnxruntime", fix="Install it."), 1, "fail"),
    ],
)
def test_doctor_exit_code_depends_on_working_devices(
    run: Any, monkeypatch: pytest.MonkeyPatch, probe: ProbeResult, code: int, state: str
) -> None:
    system = SystemInfo("3.11.7", "Linux", probes=(probe,))
    monkeypatch.setattr(inspection, "examine", lambda: system)
    result = run("ganport", "doctor")
    assert result.code == code
    assert f"\n{state:<4}  device cpu: " in result.out
    assert probe.fix in result.out
    assert bool(result.err) == bool(code)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("tiny.ganport", "8 x 8 rgb, uint8 NHWC\n"),
        ("tiny-float.ganport", "8 x 8 rgb, signed NCHW\n"),
        ("tiny-gray.ganport", "10 x 6 gray, uint8 NHWC\n"),
        ("tiny-sprite-unit.onnx", "20 x 12 rgba, unit NCHW, 6 colors, alpha 0 or 255, pixelated\n"),
    ],
)
def test_info_states_the_format_of_the_images(run: Any, data: Path, name: str, line: str) -> None:
    assert f"images      {line}" in run("ganport", "info", data / name).out
