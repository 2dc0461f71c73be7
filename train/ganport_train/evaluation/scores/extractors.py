"""Feature extractors: the judge, or Inception with weights that the user provides."""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from safetensors import SafetensorError

from ganport_runtime.errors import GanportError
from ganport_runtime.files import atomic_write, sha256_of
from ganport_runtime.values import sanitize
from ganport_train.data import Dataset
from ganport_train.data.cache import default_cache_root
from ganport_train.data.color_modes import over_backgrounds
from ganport_train.data.dataset import Features, Images
from ganport_train.data.images import track_blocks
from ganport_train.evaluation.judge.judge import Judge

MAX_WEIGHTS = 1 << 30
"""Largest file of Inception weights, in bytes."""
INCEPTION_FILTER = "bilinear as in TensorFlow 1, to 299 x 299, by torch-fidelity"
_LAYER = "2048"
_BATCH = 32


class ExtractorError(GanportError):
    """Inception weights that are missing or of another kind."""

    default_fix = (
        "Download weights-inception-2015-12-05 from torch-fidelity's releases, or leave out "
        "--inception to use only the judge's features."
    )

    @classmethod
    def not_weights(cls, path: Path, found: str) -> ExtractorError:
        """Return the error for a file that does not hold the expected weights."""
        expected = "the Inception v3 weights that torch-fidelity publishes (.pth or .safetensors)"
        return cls(str(path), expected, found)


class Inception:
    """Inception v3 as FID and KID are defined on it, by torch-fidelity; 2048 features."""

    name = "inception"

    def __init__(self, path: Path, device: torch.device) -> None:
        self.digest = _file_digest(path)
        self._device = device
        self._network = _build_network(_read_weights(path), path).to(device)

    def features(self, images: Images) -> Features:
        """Return the float32 (N, 2048) features of the last pooling layer.

        Images with transparency are seen over backgrounds of several colors.
        """
        features = np.empty((len(images), int(_LAYER)), np.float32)
        with torch.inference_mode():
            for part in track_blocks(len(images), _BATCH, "Inception", "images"):
                block = over_backgrounds(images[part], part.start).transpose(0, 3, 1, 2)
                pooled = self._network(
                    torch.from_numpy(np.ascontiguousarray(block)).to(self._device)
                )[0]
                features[part] = pooled.cpu().numpy()
        return features


Extractor = Judge | Inception
"""A function from images to features, with a name and a digest."""


def cached_features(extractor: Extractor, dataset: Dataset, root: Path | None = None) -> Features:
    """Return the features (N, F) of a data set, from the cache if they are there.

    `root` is the cache folder, by default that of data sets. A corrupt file is replaced.
    """
    # The options of loading decide which images of a source there are, and their order.
    content = [dataset.digest, dataset.format, dataset.image.to_json(), dataset.ids]
    key = sha256_of(json.dumps([extractor.name, extractor.digest, *content]).encode())[:32]
    path = (root or default_cache_root()) / "features" / f"{key}.safetensors"
    try:
        features: Features = safetensors.numpy.load(path.read_bytes())["features"]
        if features.dtype == np.float32 and features.shape[:-1] == (len(dataset),):
            return features
    except (OSError, SafetensorError, KeyError):
        pass
    features = extractor.features(dataset.images)
    with suppress(OSError):  # a full or read-only cache costs only time
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, safetensors.numpy.save({"features": features}))
    return features


def _file_digest(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_WEIGHTS:
            raise ExtractorError.not_weights(path, f"a file of {path.stat().st_size:,} bytes")
        return sha256_of(path)
    except OSError as error:
        raise ExtractorError.not_weights(path, error.strerror or str(error)) from None


def _read_weights(path: Path) -> Mapping[str, Any]:
    # torch-fidelity would unpickle the whole file; weights_only reads only tensors.
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, SafetensorError):
        raise ExtractorError.not_weights(path, "objects other than tensors") from None
    except Exception as error:  # a malicious file may fail anywhere in the reader
        raise ExtractorError.not_weights(path, _summary(error)) from None
    if not isinstance(weights, Mapping) or not all(map(torch.is_tensor, weights.values())):
        raise ExtractorError.not_weights(path, "values other than named tensors")
    return weights


def _build_network(weights: Mapping[str, Any], path: Path) -> torch.nn.Module:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # The class only accepts a file: give it one that holds the checked tensors alone.
    with tempfile.TemporaryDirectory() as folder:
        checked = Path(folder) / "weights.pth"
        torch.save({str(name): value for name, value in weights.items()}, checked)
        try:
            network: torch.nn.Module = FeatureExtractorInceptionV3(
                "inception-v3-compat", [_LAYER], feature_extractor_weights_path=str(checked)
            )
        except RuntimeError as error:
            raise ExtractorError.not_weights(path, _summary(error)) from None
    return network


def _summary(error: Exception) -> str:
    return sanitize(" ".join(str(error).split()), 160) or type(error).__name__
