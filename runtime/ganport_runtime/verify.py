"""Checks of a bundle that any machine can run long after the export.

Graphs run in a process of their own with limited resources, so that a hostile graph may take that
process down, and nothing else: `python -m ganport_runtime.verify BUNDLE MEMORY SECONDS
[--trust-code]` prints one JSON object for each check.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import entry_points
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.manifest import (
    DIRECTIONS_NAME,
    MANIFEST_NAME,
    METADATA_KEY,
    SUMS_NAME,
    Graph,
    GraphFile,
    Image,
    Tensor,
)
from ganport_runtime.bundle.readers import check_torchscript, read_tensors
from ganport_runtime.child_process import limit_resources, python_module, run_child
from ganport_runtime.errors import BundleError, GanportError, MissingExtraError, load_entry_point
from ganport_runtime.files import sha256_of
from ganport_runtime.generation.engine import GraphRunner
from ganport_runtime.strictjson import parse
from ganport_runtime.values import sanitize, to_number

FIXTURES_NAME = "fixtures.safetensors"
FIXTURE_COUNTS = (1, 3)
MAX_FLOAT_ERROR = 1e-3  # the export checks allow no larger error
_LEVELS = {"signed": 1 / 127.5, "unit": 1 / 255}
"""One uint8 level in a float image, by the range of the image."""
_FEW_PIXELS = {"fp32": 0.001, "fp16": 0.01}
"""The fraction of the pixels of a discrete image that may be further away, by precision."""
TIMEOUT = 300.0
"""Seconds for all graphs of a bundle."""
MEMORY = 2 * 2**30
"""Bytes for the graphs of a bundle, in addition to four times the size of the largest."""
Run = Callable[[dict[str, NDArray[Any]]], NDArray[Any]]
"""Returns the output of a graph for its inputs by name."""


@dataclass(frozen=True)
class Check:
    """The result of one check; `passed` is None if the check could not run here."""

    name: str
    passed: bool | None
    detail: str


def verify(
    bundle: Bundle, *, trust_code: bool = False, timeout: float = TIMEOUT
) -> Iterator[Check]:
    """Check digests, sums, directions and every graph; raise `MissingExtraError` without runtime.

    Graphs run in a child process, which is ended after `timeout` seconds and, on Linux, cannot use
    more memory than 2 GiB and 4 times the size of the largest graph. TorchScript files are read and
    not run; `trust_code` runs them, with everything that their author put into them. A single graph
    file has no digests and no fixtures: only the graph is checked.
    """
    if not bundle.is_single_file:
        for name in bundle.manifest.files:
            yield run_check(f"digest of {name}", partial(_check_digest, bundle, name))
        yield run_check("listed files", partial(_check_names, bundle))
        yield run_check(SUMS_NAME, partial(_check_sums, bundle))
    yield from _check_graphs_in_child(bundle, trust_code, timeout)
    if DIRECTIONS_NAME in bundle.manifest.files:
        yield run_check(f"content of {DIRECTIONS_NAME}", partial(_check_directions, bundle))


def _check_graphs_in_child(bundle: Bundle, trust_code: bool, timeout: float) -> Iterator[Check]:
    names = {file.path for graph in bundle.manifest.graphs for file in graph.files}
    memory = MEMORY + 4 * max((bundle.manifest.files[name].size for name in names), default=0)
    command = [*python_module("ganport_runtime.verify"), str(bundle.path), str(memory)]
    options = ["--trust-code"] if trust_code else []
    result = run_child([*command, str(timeout), *options], timeout)
    for answer in result.answers:
        if "missing" in answer:
            raise MissingExtraError(*answer["missing"])
        if answer.keys() == {"name", "passed", "detail"}:
            yield Check(**answer)
    if result.failure:
        fix = "It may be hostile, or too large for this machine."
        yield Check("graphs", False, f"ended before all checks: {result.failure}. {fix}")


def _check_digest(bundle: Bundle, name: str) -> str:
    return f"{bundle.check_digest(name)} bytes, {bundle.manifest.files[name].sha256[:12]}"


def _check_names(bundle: Bundle) -> str:
    listed = {*bundle.manifest.files, MANIFEST_NAME, SUMS_NAME}
    unlisted = sorted(set(bundle.names()) - listed)
    if unlisted:
        found = sanitize(", ".join(unlisted), 200)
        raise BundleError(str(bundle.path), "only files that the manifest lists", found)
    return f"{len(bundle.manifest.files)} files, no others"


def _check_sums(bundle: Bundle) -> str:
    stated: dict[str, str] = {}
    for line in bundle.read(SUMS_NAME).decode("ascii", "replace").splitlines():
        digest, _, name = line.partition("  ")
        stated[name] = digest
    actual = {name: entry.sha256 for name, entry in bundle.manifest.files.items()}
    actual[MANIFEST_NAME] = sha256_of(bundle.read(MANIFEST_NAME))
    for name in sorted(stated.keys() | actual.keys()):
        if stated.get(name) != actual.get(name):
            expected = f"SHA-256 {sanitize(stated.get(name, 'not stated'), 64)}"
            raise BundleError(sanitize(name), expected, actual.get(name, "no such file"))
    return f"{len(stated)} lines agree"


def _check_directions(bundle: Bundle) -> str:
    directions = bundle.read_directions()
    return f"{len(directions)} of shape {bundle.manifest.z_shape}"


def check_graphs(bundle: Bundle, *, trust_code: bool) -> Iterator[Check]:
    """Check every graph file of a bundle, and run those that are safe to run.

    ONNX graphs reproduce their fixtures. The code of TorchScript files is read. With `trust_code`,
    they and ExportedPrograms are run by the packages that register checks as entry points
    `ganport.checks`. Raises `MissingExtraError` without onnxruntime.
    """
    for graph in bundle.manifest.graphs:
        for file in graph.files:
            if file.role == "onnx":
                yield from _check_onnx(bundle, graph, file)
            elif file.role == "pt2":  # torch reads it, and trusts its author
                detail = "an ExportedProgram, which is not read without --trust-code"
                yield Check(f"code of {file.path}", None, detail)
            else:
                yield run_check(f"code of {file.path}", partial(_check_code, bundle, graph, file))
    if trust_code:
        yield from _run_contributed_checks(bundle)


def fixtures(bundle: Bundle) -> dict[str, NDArray[Any]]:
    """Return the recorded tensors by name (`generator.onnx/n1/z`); raise `BundleError`."""
    return read_tensors(bundle.read(FIXTURES_NAME), FIXTURES_NAME)


def fixture(
    tensors: dict[str, NDArray[Any]], path: str, count: int, tensor: Tensor
) -> NDArray[Any]:
    """Return the recorded `tensor` of the graph file `path` for a batch of `count`."""
    name = f"{path}/n{count}/{tensor.name}"
    if name not in tensors:
        raise BundleError(FIXTURES_NAME, f"the tensor {name}", "none")
    found = tensors[name]
    shape = (count, *tensor.shape[1:])
    if (found.dtype.name, found.shape) != (tensor.dtype, shape):
        place = f"{FIXTURES_NAME}: {name}"
        raise BundleError(place, f"{tensor.dtype} {shape}", f"{found.dtype.name} {found.shape}")
    return found


def compare(
    found: NDArray[Any],
    expected: NDArray[Any],
    file: GraphFile,
    parity: dict[str, Any],
    image: Image | None = None,
) -> str:
    """Return the distance of a graph's output from the recorded one, as text.

    `image` describes the output, None for noise. Raises `BundleError` above the limit: one level
    for uint8; for float the `limit` of the parity, at most 1e-3; for fp16 two levels, and one for
    99.9 % of the values. If the graph chooses or divides, the limit of float is one level, too, and
    few pixels may be further away.
    """
    if found.shape != expected.shape:
        raise BundleError(file.path, f"an output {expected.shape}", f"{found.shape}")
    distance = np.abs(found.astype(np.float64) - expected.astype(np.float64))
    if image is not None and image.is_discrete:
        distance = _without_furthest(distance, image, file)
    largest = float(distance.max())
    level = 1.0 if expected.dtype == np.uint8 else _LEVELS[image.range if image else "signed"]
    text = f"{largest / level:.3g} levels"
    if file.precision == "fp16":
        passed = largest <= 2 * level and bool(np.mean(distance <= level) >= 0.999)
        limit = "2 levels, 99.9 % within 1"
    elif expected.dtype == np.uint8 or (image is not None and image.is_discrete):
        passed, limit = largest <= level, "1 level"
    else:
        bound = min(MAX_FLOAT_ERROR, to_number(parity.get("limit")))  # NaN is ignored
        passed, limit, text = largest <= bound, f"{bound:.1e}", f"{largest:.2e}"
    if not passed:  # also for NaN
        raise BundleError(file.path, f"the recorded output within {limit}", f"{text} away")
    return f"{text} from the recorded output"


def _without_furthest(
    distance: NDArray[np.float64], image: Image, file: GraphFile
) -> NDArray[np.float64]:
    """Return the distance of each pixel without those that a discrete image may have further."""
    pixels = np.sort(distance.max(axis=image.layout.index("C")), axis=None)
    if not np.isfinite(pixels[-1]):
        return pixels
    few = max(1, int(_FEW_PIXELS[file.precision] * len(pixels)))
    return pixels[: max(1, len(pixels) - few)]


def run_check(name: str, check: Callable[[], str]) -> Check:
    """Return the result of a check that returns its detail, or raises a `GanportError`."""
    try:
        return Check(name, True, check())
    except MissingExtraError:
        raise
    except GanportError as error:
        return Check(name, False, str(error))


def _check_onnx(bundle: Bundle, graph: Graph, file: GraphFile) -> Iterator[Check]:
    runners: list[GraphRunner] = []

    def check_tensors() -> str:
        runners.append(GraphRunner(bundle.read(file.path), "cpu", place=file.path))
        runners[0].check(graph)
        return f"{graph.interface}: the tensors of the manifest"

    yield run_check(f"graph {file.path}", check_tensors)
    for runner in runners:
        metadata = partial(check_metadata, bundle, graph, runner.metadata.get(METADATA_KEY))
        yield run_check(f"metadata of {file.path}", metadata)
        if not bundle.is_single_file:
            rerun = partial(check_fixtures, bundle, graph, file, runner.run)
            yield run_check(f"fixtures of {file.path}", rerun)


def _check_code(bundle: Bundle, graph: Graph, file: GraphFile) -> str:
    metadata, operators = check_torchscript(bundle.read(file.path), file.path)
    check_metadata(bundle, graph, metadata or None)
    return f"{len(operators)} operators, all known; the file is not run without --trust-code"


def check_metadata(bundle: Bundle, graph: Graph, text: str | None) -> str:
    """Raise `BundleError` unless the interface inside a file states what the manifest does."""
    if text is None:
        raise BundleError(METADATA_KEY, "the interface inside the graph", "none")
    if not bundle.manifest.states(parse(text.encode(), METADATA_KEY), graph):
        raise BundleError(METADATA_KEY, "the manifest's interface", "another one")
    return "holds the manifest's interface"


def check_fixtures(bundle: Bundle, graph: Graph, file: GraphFile, run: Run) -> str:
    """Return how far the outputs of `run` are from the recorded ones; raise `BundleError`."""
    tensors = fixtures(bundle)
    details = []
    for count in FIXTURE_COUNTS:
        feeds = {t.name: fixture(tensors, file.path, count, t) for t in graph.inputs}
        expected = fixture(tensors, file.path, count, graph.output)
        image = bundle.manifest.image if graph.output.name == "image" else None
        parity = dict(bundle.manifest.parity)
        detail = compare(run(feeds), expected, file, parity, image)
        details.append(f"N = {count}: {detail}")
    return "; ".join(details)


def _run_contributed_checks(bundle: Bundle) -> Iterator[Check]:
    for entry in sorted(entry_points(group="ganport.checks"), key=lambda entry: entry.name):
        try:
            yield from load_entry_point(entry)(bundle)
        except MissingExtraError as error:
            yield Check(entry.name, None, f"not run: {error}")
        except GanportError as error:
            yield Check(entry.name, False, str(error))


def _main(path: str, memory: str, seconds: str, *options: str) -> None:
    limit_resources(int(memory), float(seconds))
    try:
        for check in check_graphs(Bundle.open(path), trust_code="--trust-code" in options):
            print(json.dumps(asdict(check)), flush=True)
    except MissingExtraError as error:
        print(json.dumps({"missing": [error.place, error.expected, error.found, error.fix]}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
