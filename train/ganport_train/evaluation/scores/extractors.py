"""What turns pictures into features: the judge, or Inception with weights that the user brings."""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from ganport_runtime.errors import GanportError
from ganport_runtime.files import atomic_write, sha256_of
from ganport_runtime.values import sanitize
from ganport_train.data import Dataset
from ganport_train.data.cache import default_cache_root
from ganport_train.data.progress import progress_bar

MAX_WEIGHTS = 1 << 30
"""Bytes of a file of Inception weights."""
FILTER = "bilinear as in TensorFlow 1, to 299 x 299, by torch-fidelity"
_LAYER = "2048"
_BATCH = 32

Images = NDArray[np.uint8]
Features = NDArray[np.float32]


class Extractor(Protocol):
    """Anything that sees features (N, F) in uint8 (N, H, W, 3) pictures."""

    @property
    def name(self) -> str:
        """Decides what distances on its features are called."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of what it was made from."""
        ...

    def features(self, images: Images, *, progress: bool = False) -> Features:
        """The float32 (N, F) features."""
        ...


class ExtractorError(GanportError):
    """Inception weights that are missing, or none."""


class Inception:
    """Inception v3 as FID and KID are defined on it, by torch-fidelity; 2048 features."""

    name = "inception"

    def __init__(self, path: Path, device: torch.device) -> None:
        self.digest = _checked_digest(path)
        self._device = device
        self._network = _network(_weights(path), path).to(device)

    def features(self, images: Images, *, progress: bool = False) -> Features:
        """The float32 (N, 2048) features of the last pooling layer."""
        found = np.empty((len(images), int(_LAYER)), np.float32)
        with (
            torch.inference_mode(),
            progress_bar("Inception", len(images), "pictures", shown=progress) as done,
        ):
            for start in range(0, len(images), _BATCH):
                block = np.ascontiguousarray(images[start : start + _BATCH].transpose(0, 3, 1, 2))
                seen = self._network(torch.from_numpy(block).to(self._device))[0]
                found[start : start + len(block)] = seen.cpu().numpy()
                done.update(len(block))
        return found


def cached(extractor: Extractor, dataset: Dataset, root: Path | None = None) -> Features:
    """The features (N, F) of a data set's pictures, kept in the cache under all they come from.

    `root` is the folder of the cache, else that of data sets; a torn file is made again.
    """
    # Which of a source's pictures there are, and in which order, hangs on how it was read.
    read = [dataset.digest, dataset.format, list(dataset.images.shape), dataset.ids]
    key = sha256_of(json.dumps([extractor.name, extractor.digest, *read]).encode())[:32]
    path = (root or default_cache_root()) / "features" / f"{key}.safetensors"
    try:
        features: Features = safetensors.numpy.load(path.read_bytes())["features"]
        if features.dtype == np.float32 and features.shape[:-1] == (len(dataset),):
            return features
    except (OSError, SafetensorError, KeyError):
        pass
    features = extractor.features(dataset.images, progress=True)
    with suppress(OSError):  # a full or read-only cache costs time, not the figures
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, safetensors.numpy.save({"features": features}))
    return features


def _checked_digest(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_WEIGHTS:
            raise _fault(path, f"a file of {path.stat().st_size:,} bytes")
        return sha256_of(path)
    except OSError as error:
        raise _fault(path, error.strerror or str(error)) from None


def _weights(path: Path) -> Mapping[str, Any]:
    # torch-fidelity would unpickle the file whole; this reads tensors and nothing else.
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, SafetensorError):
        raise _fault(path, "something else than tensors") from None
    except Exception as error:  # a hostile file may break the reader anywhere
        raise _fault(path, _short(error)) from None
    if not isinstance(weights, Mapping) or not all(map(torch.is_tensor, weights.values())):
        raise _fault(path, "something else than named tensors")
    return weights


def _network(weights: Mapping[str, Any], path: Path) -> torch.nn.Module:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # It takes weights from a file alone: one that holds nothing but the tensors read above.
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "weights.pth"
        torch.save({str(name): value for name, value in weights.items()}, plain)
        try:
            network: torch.nn.Module = FeatureExtractorInceptionV3(
                "inception-v3-compat", [_LAYER], feature_extractor_weights_path=str(plain)
            )
        except RuntimeError as error:
            raise _fault(path, _short(error)) from None
    return network


def _short(error: Exception) -> str:
    return sanitize(" ".join(str(error).split()), 160) or type(error).__name__


def _fault(path: Path, found: str) -> ExtractorError:
    return ExtractorError(
        str(path),
        expected="the Inception v3 weights that torch-fidelity publishes (.pth or .safetensors)",
        found=found,
        fix="Download weights-inception-2015-12-05 from torch-fidelity's releases, or leave "
        "--inception out: the judge's features are used then.",
    )
