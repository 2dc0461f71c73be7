"""The Python runtime makes of every shared vector what its file records."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from vectors import FOLDER, run
from write_vectors import ABOUT, cases_of

FILES = {kind: json.loads((FOLDER / f"{kind}.json").read_text("utf-8")) for kind in ABOUT}
CASES = [
    pytest.param(kind, case, id=f"{kind}: {case['name']}"[:80])
    for kind, file in FILES.items()
    for case in file["cases"]
]


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_runtime_makes_of_vector_what_its_file_records(kind: str, case: dict[str, Any]) -> None:
    outcome = run(kind, FILES[kind]["shared"], case["input"])
    assert outcome.keys() == case.keys() & {"result", "error"}
    if "error" in outcome:
        compared = outcome["error"].keys() - set(case.get("open", ()))
        assert {k: outcome["error"][k] for k in compared} == {k: case["error"][k] for k in compared}
    else:
        compare(kind, outcome["result"], case["result"])


def compare(kind: str, found: Any, recorded: Any) -> None:
    """Compare results; images may be one level apart and noise one unit in the last place."""
    if kind == "noise" and len(recorded) > 0:
        words, expected = (
            np.array([int(word, 16) for word in x], np.uint32) for x in (found, recorded)
        )
        assert np.abs(words.astype(np.int64) - expected.astype(np.int64)).max() <= 1
    elif "pixels" in recorded:
        images, expected = (
            np.frombuffer(base64.b64decode(x["pixels"]), np.uint8).astype(int)
            for x in (found, recorded)
        )
        assert np.abs(images - expected).max() <= 1
        assert {**found, "pixels": ""} == {**recorded, "pixels": ""}
    elif "numbers" in recorded:
        np.testing.assert_allclose(found["numbers"], recorded["numbers"], rtol=0, atol=1e-5)
    else:
        assert found == recorded


@pytest.mark.parametrize("kind", [kind for kind in ABOUT if kind not in ("bundles", "graphs")])
def test_file_of_vectors_holds_the_cases_of_its_script(kind: str) -> None:
    cases = {case["name"]: case["input"] for case in FILES[kind]["cases"]}
    assert json.loads(json.dumps(cases_of(kind))) == cases


def test_every_kind_has_results_and_errors() -> None:
    for kind, file in FILES.items():
        outcomes = {key for case in file["cases"] for key in ("result", "error") if key in case}
        assert outcomes == {"result", "error"}, kind
