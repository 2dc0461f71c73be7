"""Pictures to the answer of the protocol: as numbers in JSON, or as bytes behind it."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ganport_runtime.service.open_inference.messages import LENGTH_HEADER, InferenceRequest
from ganport_runtime.service.open_inference.models import IMAGE, Model
from ganport_runtime.service.outputs import Encoded

_encode = msgspec.json.Encoder().encode


def reply_to(request: InferenceRequest, model: Model, images: NDArray[np.uint8]) -> Encoded:
    """The answer that holds pictures, uint8 (N, H, W, 3)."""
    output: dict[str, Any] = {"name": IMAGE, "datatype": "UINT8", "shape": list(images.shape)}
    reply: dict[str, Any] = {"model_name": model.name, "model_version": model.version}
    if request.id:
        reply["id"] = request.id
    if not request.is_binary(IMAGE):
        output["data"] = images.ravel().tolist()
        return Encoded(_encode(reply | {"outputs": [output]}), "application/json")
    pixels = images.tobytes()
    output["parameters"] = {"binary_data_size": len(pixels)}
    head = _encode(reply | {"outputs": [output]})
    return Encoded(head + pixels, "application/octet-stream", {LENGTH_HEADER: str(len(head))})
