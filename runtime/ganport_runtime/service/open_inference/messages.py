"""The JSON objects of the protocol, and how a body holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ganport_runtime.errors import RequestError
from ganport_runtime.service.errors import BodyError
from ganport_runtime.values import repr_short, sanitize

LENGTH_HEADER = "inference-header-content-length"
"""Bytes of the JSON at the head of a body; what follows it are tensors."""
Parameters = dict[str, Any]


class RequestInput(msgspec.Struct):
    """A tensor that comes in: its `data` in the JSON, or `binary_data_size` bytes behind it."""

    name: str
    shape: list[int]
    datatype: str
    parameters: Parameters = {}
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class RequestOutput(msgspec.Struct):
    """A tensor asked for, with `binary_data` true behind the JSON of the answer."""

    name: str
    parameters: Parameters = {}


class InferenceRequest(msgspec.Struct):
    """What a client asks for."""

    inputs: list[RequestInput]
    id: str = ""
    parameters: Parameters = {}
    outputs: list[RequestOutput] = []

    def is_binary(self, name: str) -> bool:
        """Whether the output of that name is to come behind the JSON."""
        default = self.parameters.get("binary_data_output") is True
        for output in self.outputs:
            if output.name == name:
                return output.parameters.get("binary_data", default) is True
        return default


@dataclass(frozen=True)
class Message:
    """A request and, for each of its inputs, the bytes that came behind the JSON or None."""

    request: InferenceRequest
    binaries: Sequence[memoryview | None]


_decoder = msgspec.json.Decoder(InferenceRequest)


def message_of(body: bytes, length: str | None) -> Message:
    """The message a body holds, `length` being what `Inference-Header-Content-Length` says.

    Raises `BodyError` for what is no request of the protocol.
    """
    head = memoryview(body) if length is None else memoryview(body)[: _length(length, len(body))]
    try:
        request = _decoder.decode(head)
    except (msgspec.DecodeError, RecursionError) as error:
        found = sanitize(str(error), 200) or "nesting too deep"
        fix = "Send it as the Open Inference Protocol has it."
        raise BodyError(
            "body", expected="a JSON inference request", found=found, fix=fix
        ) from error
    return Message(request, _binaries(request.inputs, memoryview(body)[len(head) :]))


def _length(text: str, most: int) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= most:
        return int(text)
    raise BodyError(
        "Inference-Header-Content-Length",
        expected=f"a number from 0 to {most}, the bytes of the body",
        found=repr_short(text),
        fix="Count the bytes of the JSON at its head.",
    )


def _binaries(inputs: Sequence[RequestInput], rest: memoryview) -> list[memoryview | None]:
    parts: list[memoryview | None] = []
    start = 0
    for entry in inputs:
        size = entry.parameters.get("binary_data_size")
        if size is None:
            parts.append(None)
            continue
        if type(size) is not int or not 0 <= size <= len(rest) - start:
            left = f"a size of at most the {len(rest) - start} bytes left"
            raise _bad_binary(f"{_place(entry.name)}: binary_data_size", left, repr_short(size))
        parts.append(rest[start : start + size])
        start += size
    if start != len(rest):
        found = f"{len(rest) - start} bytes more"
        raise _bad_binary("body", "the bytes its inputs name", found)
    return parts


def _place(name: str) -> str:
    return f"inputs '{sanitize(name)}'"


def _bad_binary(place: str, expected: str, found: str) -> RequestError:
    fix = "Give every binary input its binary_data_size, in the order of the inputs."
    return BodyError(place, expected=expected, found=found, fix=fix)
