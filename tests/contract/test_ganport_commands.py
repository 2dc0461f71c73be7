"""`ganport` and `serve-gan`: what they tell of bundles and data sets, and their exit codes."""

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import product
import pytest

TINY = product.DATA / "tiny.ganport"
GOOD: dict[str, tuple[object, ...]] = {
    "version": ("ganport", "--version"),
    "info": ("ganport", "info", "faces.ganport"),
    "info json": ("ganport", "info", "faces.ganport", "--json"),
    "info starter": ("ganport", "info", "starter", "--json"),
    "info graph": ("ganport", "info", "faces.ganport/generator.onnx", "--json"),
    "verify folder": ("ganport", "verify", "faces.ganport"),
    "verify zip": ("ganport", "verify", "attributes.ganport"),
    "verify graph": ("ganport", "verify", "faces.ganport/generator.onnx"),
    "verify starter": ("ganport", "verify", "starter"),
    "verify tiny": ("ganport", "verify", TINY),
    "verify flow": ("ganport", "verify", product.DATA / "tiny-flow.ganport"),
    "doctor": ("ganport", "doctor", "--json"),
    "check": ("ganport", "dataset", "check", "faces.zip", "--resolution", 16),
    "check json": ("ganport", "dataset", "check", "faces.zip", "--resolution", 16, "--json"),
    "check chosen": (
        *("ganport", "dataset", "check", "attributes.zip", "--kind", "celeba"),
        *("--attribute", "Smiling", "--json"),
    ),
    "draw faces": (
        *("ganport", "dataset", "draw", "faces", "--count", 3, "--size", 16),
        *("--workers", 1, "--out", "drawn.zip"),
    ),
    "draw shapes": (
        *("ganport", "dataset", "draw", "shapes", "--count", 3, "--size", 16),
        *("--workers", 1, "--out", "shapes"),
    ),
    "check drawn": ("ganport", "dataset", "check", "drawn.zip", "--json"),
    "check shapes": ("ganport", "dataset", "check", "shapes", "--json"),
    "studies": ("ganport", "study", "--list"),
    "serve version": ("serve-gan", "--version"),
}
BAD: dict[str, tuple[int, tuple[object, ...]]] = {
    "no command": (2, ("ganport",)),
    "unknown command": (2, ("ganport", "paint")),
    "info nothing": (2, ("ganport", "info")),
    "info nowhere": (1, ("ganport", "info", "nowhere")),
    "verify nowhere": (1, ("ganport", "verify", "nowhere")),
    "verify changed": (1, ("ganport", "verify", "changed.ganport")),
    "verify more": (1, ("ganport", "verify", "more.ganport")),
    "info later": (1, ("ganport", "info", "later.ganport")),
    "check nowhere": (1, ("ganport", "dataset", "check", "nowhere")),
    "check no set": (1, ("ganport", "dataset", "check", "empty")),
    "check faulty": (1, ("ganport", "dataset", "check", "faulty")),
    "check kind": (2, ("ganport", "dataset", "check", "faces.zip", "--kind", "odd")),
    "draw again": (
        1,
        ("ganport", "dataset", "draw", "faces", "--count", 3, "--out", "drawn.zip"),
    ),
    "draw no count": (2, ("ganport", "dataset", "draw", "faces", "--out", "x.zip")),
    "draw small": (
        1,
        ("ganport", "dataset", "draw", "faces", "--count", 3, "--size", 8, "--out", "x.zip"),
    ),
    "study no data": (2, ("ganport", "study", "anime-losses")),
    "study unknown": (2, ("ganport", "study", "no", "--data", "faces.zip", "--out", "study")),
    "serve nothing": (2, ("serve-gan",)),
    "serve nowhere": (1, ("serve-gan", "nowhere.ganport")),
    "serve twice": (1, ("serve-gan", "starter", "starter")),
    "serve port": (2, ("serve-gan", "starter", "--port", 99999)),
    "serve keys": (1, ("serve-gan", "starter", "--keys-file", "nowhere")),
}
CALLS = {**GOOD, **{name: words for name, (_, words) in BAD.items()}}


def prepare(folder: Path) -> None:
    """Make bundles and data sets with faults."""
    for name in ("changed", "more", "later"):
        shutil.copytree(folder / "faces.ganport", folder / f"{name}.ganport")
    card = folder / "changed.ganport" / "MODEL_CARD.md"
    card.write_bytes(card.read_bytes().swapcase())
    (folder / "more.ganport" / "more.txt").write_text("more")
    manifest = folder / "later.ganport" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema_version": 999}))
    (folder / "empty").mkdir()
    (folder / "faulty" / "images").mkdir(parents=True)
    (folder / "faulty" / "tags.csv").write_text("1,pink hair black eyes\n")


@pytest.mark.parametrize("name", GOOD)
def test_command_that_can_exits_with_0(calls: product.Calls, name: str) -> None:
    assert calls[name].code == 0, calls[name].err
    assert calls[name].out.strip()


@pytest.mark.parametrize("name", BAD)
def test_command_that_cannot_exits_with_its_code(calls: product.Calls, name: str) -> None:
    outcome = calls[name]
    assert outcome.code == BAD[name][0], outcome.err
    assert (outcome.err + outcome.out).strip()
    assert "Traceback" not in outcome.err


def test_info_json_gives_the_manifest_and_digest(calls: product.Calls, work: Path) -> None:
    manifest = json.loads((work / "faces.ganport" / "manifest.json").read_text())
    told = json.loads(calls["info json"].out)
    digest = product.public("ganport_runtime.Bundle").open(work / "faces.ganport").digest
    assert told == manifest | {"digest": digest}


def test_info_of_a_graph_gives_its_interface(calls: product.Calls) -> None:
    told, whole = (json.loads(calls[name].out) for name in ("info graph", "info json"))
    for key in ("schema_version", "conditions", "noise", "image"):
        assert told[key] == whole[key]
    assert [graph["interface"] for graph in told["graphs"]] == ["gan.generate/1"]
    assert told["batch"] == {"min": 1, "opt": 16, "max": 256}


def test_doctor_finds_the_cpu(calls: product.Calls) -> None:
    report = json.loads(calls["doctor"].out)
    assert "cpu" in report["devices"]
    assert {finding["state"] for finding in report["findings"]} <= {"ok", "warn", "fail", "skip"}


def test_check_counts_images_and_labels(calls: product.Calls) -> None:
    report = product.original(json.loads(calls["check json"].out), "dataset")
    assert report["pictures"] == 24
    assert report["sizes"] == {"16x16": 24}
    labels = report["conditions"]["labels"]
    assert (len(labels["hair"]), len(labels["eyes"])) == (12, 10)
    assert sum(labels["hair"].values()) == sum(labels["eyes"].values()) == 24
    assert report["errors"] == 0


def test_check_of_chosen_attributes_counts_them_alone(calls: product.Calls) -> None:
    report = product.original(json.loads(calls["check chosen"].out), "dataset")
    assert list(report["conditions"]["labels"]) == ["attributes"]
    assert list(report["conditions"]["labels"]["attributes"]) == ["Smiling"]


@pytest.mark.parametrize(("name", "groups"), [("drawn", {"hair", "eyes"}), ("shapes", {"objects"})])
def test_drawn_set_is_one_that_can_be_read(
    calls: product.Calls, name: str, groups: set[str]
) -> None:
    report = product.original(json.loads(calls[f"check {name}"].out), "dataset")
    assert (report["pictures"], report["errors"], report["sizes"]) == (3, 0, {"16x16": 3})
    assert set(report["conditions"]["labels"]) == groups


@pytest.fixture
def taken() -> Iterator[int]:
    """Listen at a port of the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_serve_at_a_taken_port_exits_with_1(tmp_path: Path, taken: int) -> None:
    outcome = product.run(tmp_path, "serve-gan", TINY, "--port", taken)
    assert (outcome.code, outcome.out) == (1, "")
    assert str(taken) in outcome.err
