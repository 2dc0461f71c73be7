"""The judge of a data set: a trained network that reads conditions back from images."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_runtime.images.format import ImageFormat
from ganport_train.data.images import track_blocks
from ganport_train.evaluation.judge import storage
from ganport_train.evaluation.judge.network import JudgeNetwork, prepare_images
from ganport_train.evaluation.judge.storage import JudgeMetadata

_MAX_BATCH = 256
_MAX_BATCH_PIXELS = 256 * 64 * 64  # bounds the memory


@dataclass(frozen=True)
class Prediction:
    """A judge's features and outputs for N images.

    `features` is float32 (N, F). `outputs` is float32 (N, C) in the layout of the judge's
    conditions: logits of labels; colors and numbers scaled so that 0 and 1 are their bounds.
    """

    features: NDArray[np.float32]
    outputs: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Judge:
    """A loaded judge; `name` labels its features among those of other extractors."""

    network: JudgeNetwork
    metadata: JudgeMetadata
    device: torch.device
    name: str = "judge"

    @classmethod
    def load(cls, path: Path, device: torch.device | None = None) -> Judge:
        """Load the judge in a folder that `eval-gan judge` made; raise JudgeError."""
        device = device or torch.device("cpu")
        metadata = storage.read_metadata(path)
        network = storage.load_network(path, metadata).eval()
        network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(network, metadata, device)

    @property
    def conditions(self) -> Conditions:
        """The condition groups that the judge reads."""
        return self.metadata.conditions

    @property
    def digest(self) -> str:
        """SHA-256 of the metadata, which covers the weights."""
        return self.metadata.digest

    def predict(self, images: NDArray[np.uint8]) -> Prediction:
        """Return features and outputs of uint8 (N, H, W, C) images, resized to the judge's size."""
        features = self.features(images)
        return Prediction(features, self.outputs(features))

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return only the float32 (N, F) features."""
        return extract_features(self.network, images, self.metadata.image, self.device)

    def outputs(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the float32 (N, C) outputs for features, through the last linear layer."""
        return outputs_from_features(self.network, features, self.device)


def extract_features(
    network: JudgeNetwork,
    images: NDArray[np.uint8],
    image: ImageFormat,
    device: torch.device,
) -> NDArray[np.float32]:
    """Return float32 (N, F) features of a network in eval mode for uint8 (N, H, W, C) images."""
    features = np.empty((len(images), network.num_features), np.float32)
    size = max(1, min(_MAX_BATCH, _MAX_BATCH_PIXELS // prod(image.size)))
    with torch.inference_mode():
        for part in track_blocks(len(images), size, "judging", "images"):
            batch = prepare_images(images[part], image, device)
            features[part] = network.features(batch).cpu().numpy()
    return features


def outputs_from_features(
    network: JudgeNetwork, features: NDArray[np.float32], device: torch.device
) -> NDArray[np.float32]:
    """Return float32 (N, C) outputs of a network in eval mode for its features (N, F)."""
    with torch.inference_mode():
        outputs: NDArray[np.float32] = (
            network.head(torch.from_numpy(features).to(device)).cpu().numpy()
        )
    return outputs
