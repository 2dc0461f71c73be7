"""Draw with a tiny graph on one device: `python -m ganport_runtime.doctor.probe DEVICE`.

A process of its own, because a broken driver may end or hang the process that touches it.
"""

from __future__ import annotations

import json
import sys
import time
from base64 import b64decode
from typing import Any

import numpy as np

from ganport_runtime.doctor import elf
from ganport_runtime.errors import GanportError
from ganport_runtime.generation.session import Session

# MatMul, Reshape, ConvTranspose: on CUDA they need cuBLAS and cuDNN, as a generator does. All
# weights are 1/4 and 1/2, so noise of ones gives pixels of exactly 2 in any precision.
# tests/runtime/doctor/test_probe.py makes these bytes with the onnx package.
MODEL = b64decode(
    "CAg65wIKEQoBegoBYRIBYiIGTWF0TXVsChIKAWIKAWMSAWQiB1Jlc2hhcGUKLgoBZAoBZRIFaW1hZ2UiDUNvbnZUcmFu"
    "c3Bvc2UqEAoHc3RyaWRlc0ACQAKgAQcSBXByb2JlKksIBAgEEAFCAWFKQAAAgD4AAIA+AACAPgAAgD4AAIA+AACAPgAA"
    "gD4AAIA+AACAPgAAgD4AAIA+AACAPgAAgD4AAIA+AACAPgAAgD4qKQgEEAdCAWNKIP//////////BAAAAAAAAAABAAAA"
    "AAAAAAEAAAAAAAAAKk8IBAgBCAIIAhABQgFlSkAAAAA/AAAAPwAAAD8AAAA/AAAAPwAAAD8AAAA/AAAAPwAAAD8AAAA/"
    "AAAAPwAAAD8AAAA/AAAAPwAAAD8AAAA/WhgKAXoSEwoRCAESDQoHEgViYXRjaAoCCARiJAoFaW1hZ2USGwoZCAESFQoH"
    "EgViYXRjaAoCCAEKAggCCgIIAkIECgAQEg=="
)
_NOISE = np.ones((2, 4), np.float32)
_PIXEL = 2.0
_RUNS = 5


def probe(device: str) -> dict[str, Any]:
    """Milliseconds of a warm run on `device`; or the error, its fix and the libraries it lacks."""
    try:
        session = Session(MODEL, device, place="the doctor's graph")
        if not (session.run({"z": _NOISE}) == _PIXEL).all():
            return {"error": "wrong numbers", "fix": "Do not draw on it; report the device."}
        return {"milliseconds": 1e3 * min(_seconds(session) for _ in range(_RUNS))}
    except GanportError as error:
        return {"error": error.found, "fix": error.fix, "missing": _missing(device)}


def _seconds(session: Session) -> float:
    begun = time.perf_counter()
    session.run({"z": _NOISE})
    return time.perf_counter() - begun


def _missing(device: str) -> list[str]:
    path = elf.provider(device.partition(":")[0])
    return [] if path is None else list(elf.missing(path))


if __name__ == "__main__":
    print(json.dumps(probe(sys.argv[1])))
