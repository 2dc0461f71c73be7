"""A bundle as a model of the protocol: the tensors of its graph, or a seed and a text in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.constants import GENERATE, TRANSLATE
from ganport_runtime.errors import RequestError
from ganport_runtime.generation.request import EncodedRequest
from ganport_runtime.service.open_inference.messages import InferenceRequest, Message
from ganport_runtime.service.open_inference.tensors import Kind
from ganport_runtime.service.registry import Served
from ganport_runtime.values import closest_match, format_choices, sanitize

IMAGE = "image"
# What may stand in place of a tensor of the graph: a client need not know noise and groups.
_SEED, _TEXT = Kind("seed", "UINT64", ()), Kind("text", "BYTES", ())
_IN_PLACE = {"z": _SEED, "condition": _TEXT}
Arrays = dict[str, NDArray[Any]]


class Model:
    """What a bundle takes and gives under the protocol, and the job of a request."""

    def __init__(self, served: Served) -> None:
        self.name = served.name
        self._generator = served.generator
        manifest = served.generator.manifest
        self.version = manifest.version
        graph = manifest.graph(GENERATE) or manifest.graph(TRANSLATE)
        self.inputs = tuple(_kind(t.name, t.shape) for t in graph.inputs) if graph else ()
        taken = [kind for one in self.inputs for kind in (one, _IN_PLACE.get(one.name)) if kind]
        self._taken: Mapping[str, Kind] = {kind.name: kind for kind in taken}

    def metadata(self) -> dict[str, Any]:
        """The tensors of the graph, as a client that builds its request from them fills them."""
        size = self._generator.manifest.image.size
        return {
            "name": self.name,
            "versions": [self.version],
            "platform": "onnxruntime_onnx",
            "inputs": [kind.to_json() for kind in self.inputs],
            "outputs": [{"name": IMAGE, "datatype": "UINT8", "shape": [-1, *size, 3]}],
        }

    def job(self, message: Message, most: int) -> EncodedRequest:
        """The job of a request for at most `most` pictures.

        A condition left out takes its defaults, as everywhere. Raises `RequestError`.
        """
        _check_outputs(message.request)
        arrays = self._arrays(message, most)
        asked = arrays["text"].tolist() if "text" in arrays else None
        if "image_in" in arrays:
            job = self._translation(arrays["image_in"], asked)
        elif "z" in arrays:
            job = self._generator.prepare(asked, z=arrays["z"])
        else:
            job = self._generator.prepare(asked, seeds=arrays["seed"].tolist())
        vectors = arrays.get("condition")
        return job if vectors is None else replace(job, conditions=vectors)

    def _translation(self, images: NDArray[np.float32], asked: list[str] | None) -> EncodedRequest:
        # The pictures are floats already: as levels they would lose what lies between.
        conditions = self._generator.conditions
        vectors = conditions.encode_many(asked or [{}] * len(images))
        return EncodedRequest(TRANSLATE, vectors, inputs=images)

    def _arrays(self, message: Message, most: int) -> Arrays:
        arrays: Arrays = {}
        for entry, binary in zip(message.request.inputs, message.binaries, strict=True):
            kind = self._taken.get(entry.name)
            if kind is None:
                raise self._unknown(entry.name)
            if entry.name in arrays:
                raise _bad("inputs", "each input once", f"{entry.name!r} twice", "Leave one out.")
            arrays[entry.name] = kind.read(entry, binary, most)
        self._check_together(arrays)
        return arrays

    def _check_together(self, arrays: Arrays) -> None:
        for name, kind in _IN_PLACE.items():
            if name in arrays and kind.name in arrays:
                either = f"{name} or {kind.name}"
                raise _bad("inputs", either, "both", "Leave one of them out.")
        first = self.inputs[0].name if self.inputs else ""
        names = [first, _IN_PLACE[first].name] if first in _IN_PLACE else [first]
        if not arrays.keys() & set(names):
            found = format_choices(arrays) or "none"
            raise _bad("inputs", " or ".join(names), found, "Send it: pictures are made of it.")
        lengths = {len(array) for array in arrays.values()}
        if len(lengths) > 1:
            found = " and ".join(map(str, sorted(lengths)))
            raise _bad("inputs", "as many rows in each", found, "Send one row for each picture.")

    def _unknown(self, name: str) -> RequestError:
        expected = f"one of {format_choices(self._taken)}"
        near = closest_match(name, self._taken)
        return _bad("inputs", expected, f"'{sanitize(name)}'", f"Did you mean {near!r}?")


def _kind(name: str, shape: tuple[int | str, ...]) -> Kind:
    return Kind(name, "FP32", tuple(int(length) for length in shape[1:]))


def _check_outputs(request: InferenceRequest) -> None:
    for output in request.outputs:
        if output.name != IMAGE:
            found = f"'{sanitize(output.name)}'"
            raise _bad("outputs", f"the output {IMAGE!r}", found, "Ask for that, or for none.")


def _bad(place: str, expected: str, found: str, fix: str) -> RequestError:
    return RequestError(place, expected=expected, found=found, fix=fix)
