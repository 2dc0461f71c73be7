"""What can be checked of a bundle long after its export, on any machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.bundle import Bundle
from ganport_runtime.bundle.latent_directions import DIRECTIONS_NAME, read_directions
from ganport_runtime.bundle.manifest import (
    MANIFEST_NAME,
    METADATA_KEY,
    SUMS_NAME,
    Graph,
    GraphFile,
    Tensor,
)
from ganport_runtime.bundle.safetensors_reader import read_tensors
from ganport_runtime.cli.launch import load_entry
from ganport_runtime.errors import BundleError, GanportError, MissingExtraError
from ganport_runtime.files import sha256_of
from ganport_runtime.generation.session import Session
from ganport_runtime.strictjson import parse
from ganport_runtime.values import sanitize

FIXTURES_NAME = "fixtures.safetensors"
FIXTURE_COUNTS = (1, 3)
FLOAT_CEILING = 1e-3  # no export passes its gates with a larger error
_LEVEL = 1 / 127.5  # one uint8 level in a float picture


@dataclass(frozen=True)
class Check:
    """The outcome of one check; `passed` is None when it could not be run here."""

    name: str
    passed: bool | None
    detail: str


def verify(bundle: Bundle) -> Iterator[Check]:
    """Check digests, sums, every ONNX graph and its fixtures, then what other rooms contribute.

    A lone graph has no digests and no fixtures: only the graph is checked. Raises
    `MissingExtraError` without onnxruntime.
    """
    if not bundle.is_single_file:
        for name in bundle.manifest.files:
            yield _attempt(f"digest of {name}", partial(_digest, bundle, name))
        yield _attempt("listed files", lambda: _listed(bundle))
        yield _attempt(SUMS_NAME, lambda: _sums(bundle))
    for graph in bundle.manifest.graphs:
        for file in graph.files:
            if file.role == "onnx":
                yield from _check_graph(bundle, graph, file)
    if DIRECTIONS_NAME in bundle.manifest.files:
        yield _attempt(f"content of {DIRECTIONS_NAME}", partial(_directions, bundle))
    yield from _contributed(bundle)


def fixtures(bundle: Bundle) -> dict[str, NDArray[Any]]:
    """The recorded tensors by name (`generator.onnx/n1/z`); raises `BundleError`."""
    return read_tensors(bundle.read(FIXTURES_NAME), FIXTURES_NAME)


def fixture(
    tensors: dict[str, NDArray[Any]], path: str, count: int, tensor: Tensor
) -> NDArray[Any]:
    """The recorded `tensor` of the graph file `path` for a batch of `count`."""
    name = f"{path}/n{count}/{tensor.name}"
    if name not in tensors:
        raise _bad(FIXTURES_NAME, f"the tensor {name}", "none")
    found = tensors[name]
    if (found.dtype.name, found.shape) != (tensor.dtype, (count, *tensor.shape[1:])):
        raise _bad(
            f"{FIXTURES_NAME}: {name}",
            f"{tensor.dtype} {(count, *tensor.shape[1:])}",
            f"{found.dtype.name} {found.shape}",
        )
    return found


def compare(
    found: NDArray[Any], expected: NDArray[Any], file: GraphFile, parity: dict[str, Any]
) -> str:
    """How far a graph's output is from the recorded one; raises `BundleError` if too far.

    uint8: one level; float: the `limit` of the parity, at most 1e-3; fp16: two levels, one for
    99.9 % of the values.
    """
    if found.shape != expected.shape:
        raise _bad(file.path, f"an output {expected.shape}", f"{found.shape}")
    distance = np.abs(found.astype(np.float64) - expected.astype(np.float64))
    level = 1.0 if expected.dtype == np.uint8 else _LEVEL
    unit = f"{float(distance.max()) / level:.3g} levels"
    if file.precision == "fp16":
        good = distance.max() <= 2 * level and np.mean(distance <= level) >= 0.999
        limit = "2 levels, 99.9 % within 1"
    elif expected.dtype == np.uint8:
        good, limit = bool(distance.max() <= 1), "1 level"
    else:
        bound = _float_limit(parity)
        good, limit = bool(distance.max() <= bound), f"{bound:.1e}"
        unit = f"{float(distance.max()):.2e}"
    if not good:  # NaN is above every limit
        raise _bad(file.path, f"the recorded output within {limit}", f"{unit} away")
    return f"{unit} from the recorded output"


def _float_limit(parity: dict[str, Any]) -> float:
    limit = parity.get("limit")
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        return FLOAT_CEILING
    return min(limit, FLOAT_CEILING)


def _attempt(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except MissingExtraError:
        raise
    except GanportError as error:
        return Check(name, False, str(error))


def _digest(bundle: Bundle, name: str) -> str:
    return f"{len(bundle.read(name))} bytes, {bundle.manifest.files[name].sha256[:12]}"


def _listed(bundle: Bundle) -> str:
    known = {*bundle.manifest.files, MANIFEST_NAME, SUMS_NAME}
    strays = sorted(set(bundle.names()) - known)
    if strays:
        listed = sanitize(", ".join(strays), 200)
        raise _bad(str(bundle.path), "only files the manifest lists", listed)
    return f"{len(bundle.manifest.files)} files, no others"


def _sums(bundle: Bundle) -> str:
    stated: dict[str, str] = {}
    for line in bundle.read(SUMS_NAME).decode("ascii", "replace").splitlines():
        digest, _, name = line.partition("  ")
        stated[name] = digest
    actual = {name: entry.sha256 for name, entry in bundle.manifest.files.items()}
    actual[MANIFEST_NAME] = sha256_of(bundle.read(MANIFEST_NAME))
    for name in sorted(stated.keys() | actual.keys()):
        if stated.get(name) != actual.get(name):
            expected = f"SHA-256 {sanitize(stated.get(name, 'not stated'), 64)}"
            raise _bad(sanitize(name), expected, actual.get(name, "no such file"))
    return f"{len(stated)} lines agree"


def _check_graph(bundle: Bundle, graph: Graph, file: GraphFile) -> Iterator[Check]:
    opened: list[Session] = []

    def against_manifest() -> str:
        opened.append(Session(bundle.read(file.path), "cpu", place=file.path))
        opened[0].check(graph)
        return f"{graph.interface}: tensors as the manifest names them"

    yield _attempt(f"graph {file.path}", against_manifest)
    if opened:
        session = opened[0]
        yield _attempt(f"metadata of {file.path}", lambda: _metadata(bundle, graph, session))
    if opened and not bundle.is_single_file:
        yield _attempt(f"fixtures of {file.path}", lambda: _rerun(bundle, graph, file, session))


def _metadata(bundle: Bundle, graph: Graph, session: Session) -> str:
    text = session.metadata.get(METADATA_KEY)
    if text is None:
        raise _bad(METADATA_KEY, "the interface inside the graph", "none")
    if parse(text.encode(), METADATA_KEY) != bundle.manifest.interface_json(graph):
        raise _bad(METADATA_KEY, "the manifest's interface", "another one")
    return "carries the manifest's interface"


def _rerun(bundle: Bundle, graph: Graph, file: GraphFile, session: Session) -> str:
    tensors = fixtures(bundle)
    details = []
    for count in FIXTURE_COUNTS:
        feeds = {t.name: fixture(tensors, file.path, count, t) for t in graph.inputs}
        expected = fixture(tensors, file.path, count, graph.output)
        told = compare(session.run(feeds), expected, file, dict(bundle.manifest.parity))
        details.append(f"N = {count}: {told}")
    return "; ".join(details)


def _directions(bundle: Bundle) -> str:
    directions = read_directions(bundle, bundle.manifest.z_shape)
    return f"{len(directions)} of shape {bundle.manifest.z_shape}"


def _contributed(bundle: Bundle) -> Iterator[Check]:
    for entry in sorted(entry_points(group="ganport.checks"), key=lambda entry: entry.name):
        try:
            yield from load_entry(entry)(bundle)
        except MissingExtraError as error:
            yield Check(entry.name, None, f"not run: {error}")
        except GanportError as error:
            yield Check(entry.name, False, str(error))


def _bad(place: str, expected: str, found: str) -> BundleError:
    fix = "The bundle is damaged or was changed: copy or export it again."
    return BundleError(place, expected=expected, found=found, fix=fix)
