"""The judge of a data set: a trained network that reads conditions back from pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ganport_runtime.conditions import Conditions
from ganport_train.data.progress import progress_bar
from ganport_train.evaluation.judge import file
from ganport_train.evaluation.judge.network import JudgeNetwork

FILTER = "bilinear, antialiased"
"""How pictures of another size are brought to the judge's."""
_BATCH = 256
_PIXELS = 256 * 64 * 64  # of a batch, which bounds the memory


@dataclass(frozen=True)
class Look:
    """What a judge sees in N pictures.

    `features` is float32 (N, F), `outputs` float32 (N, C) in the layout of the judge's conditions:
    logits of labels, and colours and numbers on a scale on which 0 and 1 are their bounds.
    """

    features: NDArray[np.float32]
    outputs: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Judge:
    """A judge, loaded: `conditions` are the groups it reads, `resolution` the size it looks at.

    `real` is its accuracy on held-out pictures by group, `card` all that is known of it, `digest`
    the SHA-256 of that card, which covers the weights.
    """

    network: JudgeNetwork
    conditions: Conditions
    resolution: int
    real: Mapping[str, float]
    card: Mapping[str, Any]
    digest: str
    device: torch.device
    name: str = "judge"
    """What its features are called, beside those of other extractors."""

    @classmethod
    def load(cls, path: Path, device: torch.device | None = None) -> Judge:
        """The judge in a folder that `eval-gan judge` made; raises `JudgeError`."""
        device = device or torch.device("cpu")
        card = file.read_card(path)
        network = file.load_network(path, card)
        return cls(
            network.eval().to(device=device, memory_format=torch.channels_last),  # type: ignore[call-overload]
            card.conditions,
            card.resolution,
            card.real,
            card.fields,
            card.digest,
            device,
        )

    def look(self, images: NDArray[np.uint8], *, progress: bool = False) -> Look:
        """Look at uint8 (N, R, R, 3) pictures; those of another size are resized."""
        features = self.features(images, progress=progress)
        return Look(features, self.outputs(features))

    def features(self, images: NDArray[np.uint8], *, progress: bool = False) -> NDArray[np.float32]:
        """The float32 (N, F) features alone."""
        return features_of(self.network, images, self.resolution, self.device, progress=progress)

    def outputs(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The float32 (N, C) outputs for features: one linear layer lies between the two."""
        return outputs_of(self.network, features, self.device)


def features_of(
    network: JudgeNetwork,
    images: NDArray[np.uint8],
    resolution: int,
    device: torch.device,
    *,
    progress: bool = False,
) -> NDArray[np.float32]:
    """The float32 (N, F) features of a network in eval mode for uint8 (N, S, S, 3) pictures."""
    found = np.empty((len(images), network.size), np.float32)
    size = max(1, min(_BATCH, _PIXELS // resolution**2))
    with (
        torch.inference_mode(),
        progress_bar("judging", len(images), "pictures", shown=progress) as done,
    ):
        for start in range(0, len(images), size):
            batch = prepare(images[start : start + size], resolution, device)
            found[start : start + len(batch)] = network.features(batch).cpu().numpy()
            done.update(len(batch))
    return found


def outputs_of(
    network: JudgeNetwork, features: NDArray[np.float32], device: torch.device
) -> NDArray[np.float32]:
    """The float32 (N, C) outputs of a network in eval mode for its features (N, F)."""
    with torch.inference_mode():
        outputs: NDArray[np.float32] = (
            network.head(torch.from_numpy(features).to(device)).cpu().numpy()
        )
    return outputs


def prepare(images: NDArray[np.uint8], resolution: int, device: torch.device) -> torch.Tensor:
    """Bring uint8 (N, S, S, 3) pictures to float (N, 3, R, R) in [-1, 1] on a device."""
    # A map of a file is read-only, which torch takes for a mistake.
    own = np.require(images, requirements=("C", "W"))
    batch = torch.from_numpy(own).to(device).permute(0, 3, 1, 2).float()
    if images.shape[1:3] != (resolution, resolution):
        size = (resolution, resolution)
        batch = F.interpolate(batch, size, mode="bilinear", antialias=True, align_corners=False)
    return (batch / 127.5 - 1).contiguous(memory_format=torch.channels_last)
