"""The names and limits that the contract fixes; everything else of a manifest is built on them."""

from __future__ import annotations

ROLES = ("onnx", "torchscript")
PRECISIONS = ("fp32", "fp16")
PHASE = "phase"
"""The form of a graph in which no convolution of stride 2 is transposed."""
RANGES = {"uint8": (0, 255), "float32": (-1, 1)}
"""The value range of pictures, by the dtype of their tensor."""
GENERATE, TRANSLATE, ENCODE = "gan.generate/1", "gan.translate/1", "gan.encode/1"
VERBS = {GENERATE: "generate", TRANSLATE: "translate", ENCODE: "encode"}
"""What a graph of each interface is asked to do."""

MAX_FILES = 1024
MAX_FILE_BYTES = 8 * 2**30
MAX_SIDE = 8192
MAX_NOISE = 2**24
