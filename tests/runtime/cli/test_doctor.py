import json
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from ganport_runtime.cli import doctor, root
from ganport_runtime.doctor import Examination
from ganport_runtime.doctor.system_info import Facts, Processor, Trial


@pytest.fixture(autouse=True)
def the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("doctor", "ganport_runtime.cli.doctor:doctor", "ganport.commands")
    monkeypatch.setitem(vars(root.ganport), "_entries", {"doctor": entry})


def test_this_machine_draws_on_its_cpu(run: Any) -> None:
    result = run("ganport", "doctor", "--json")
    value = json.loads(result.out)
    assert result.code == 0
    assert "cpu" in value["devices"]
    states = {finding["name"]: finding["state"] for finding in value["findings"]}
    assert states["device cpu"] == states["ganport"] == "ok"
    assert value["facts"]["packages"]["numpy"]


def examined(*trials: Trial) -> Examination:
    return Examination(Facts("3.11.7", "Linux", Processor("a CPU", 2, 2), trials=trials))


def test_a_line_for_each_finding(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: examined(Trial("cpu", milliseconds=0.5)))
    result = run("ganport", "doctor")
    assert result.code == 0
    assert "\nok    device cpu: draws (0.50 ms for the tiny graph)\n" in result.out
    assert result.out.endswith("draws on cpu: --device takes these, and auto chooses among them\n")


def test_a_machine_on_which_nothing_draws(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Trial("cpu", error="no onnxruntime", fix="Run: pip install 'ganport[cpu]'")
    monkeypatch.setattr(doctor, "examine", lambda: examined(failed))
    result = run("ganport", "doctor")
    assert result.code == 1
    assert "fail  device cpu: does not draw: no onnxruntime. Run: pip install" in result.out
    assert result.err == "nothing here can draw; the lines above say what to do\n"
