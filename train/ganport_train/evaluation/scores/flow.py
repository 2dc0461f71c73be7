"""Metrics of flows: the likelihood of real images, and their reconstruction from noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganport_models import Checkpoint, Flow
from ganport_runtime.generator import Generator
from ganport_train.data.color_modes import premultiply
from ganport_train.data.dataset import Images, Vectors
from ganport_train.data.images import track_blocks
from ganport_train.evaluation.metrics import Metric, mean_interval
from ganport_train.methods.flow import LEVELS, bits_per_dimension

SECTION = "Flow"
MAX_IMAGES = 256
"""Largest number of held-out images, and of training images, that are measured."""
_BATCH = 16


@dataclass(frozen=True, eq=False)
class LabeledImages:
    """Real images uint8 (N, H, W, C), and the requests to a bundle with their conditions."""

    images: Images
    requests: list[dict[str, Any]]


def reconstruction_metric(generator: Generator, sample: LabeledImages) -> Metric:
    """Return the mean change of images that a bundle encodes to noise and generates again."""
    requests = sample.requests
    errors = np.empty(len(requests))
    for part in track_blocks(len(requests), _BATCH, "encoding", "images"):
        noise = generator.encode(sample.images[part], requests[part])
        generated = generator.generate(requests[part], z=noise)
        difference = np.abs(premultiply(generated) - premultiply(sample.images[part]))
        errors[part] = difference.mean(axis=(1, 2, 3), dtype=np.float64)
    mean, low, high = mean_interval(errors.tolist())
    return Metric(
        "reconstruction from noise: change in levels",
        SECTION,
        mean,
        "lower",
        max(0.0, low),
        high,
        real=0.0,
        note=f"mean over {len(errors)} held-out images; maximum {errors.max():.2f}",
    )


@dataclass(frozen=True, eq=False)
class FlowLikelihood:
    """The network of a flow on its device; a bundle holds no likelihood."""

    flow: Flow
    device: torch.device

    @classmethod
    def of(cls, source: Path, generator: Generator, device: torch.device) -> FlowLikelihood | None:
        """Load the checkpoint that a bundle was exported from.

        Return None if it is not a flow, or if the run has selected another checkpoint since.
        """
        checkpoint = Checkpoint.load(source)
        network = checkpoint.generator()
        same = generator.manifest.provenance.get("checkpoint_sha256") == checkpoint.digest
        return cls(network, device) if same and isinstance(network, Flow) else None

    def metrics(
        self,
        generator: Generator,
        held_out: LabeledImages,
        training: LabeledImages,
        seed: int,
    ) -> dict[str, Metric]:
        """Return bits per dimension of held-out and of training images."""
        samples = {"bits": ("held-out", held_out), "training_bits": ("training", training)}
        metrics: dict[str, Metric] = {}
        for key, (name, sample) in samples.items():
            vectors = generator.conditions.encode_many(sample.requests)
            mean, low, high = mean_interval(self.bits(sample.images, vectors, seed))
            metrics[key] = Metric(
                f"bits per dimension, {name} images",
                SECTION,
                mean,
                "lower",
                low,
                high,
                note=f"{len(vectors)} images, uniform noise within each level; 8 for pure noise",
            )
        return metrics

    def bits(self, images: Images, vectors: Vectors, seed: int) -> Sequence[float]:
        """Return bits per dimension of uint8 (N, H, W, C) images under the flow's vectors (N, C).

        `seed` decides the noise within the levels (Theis et al. 2016).
        """
        self.flow.to(self.device).eval()
        random = np.random.Generator(np.random.Philox(seed))
        bits: list[float] = []
        with torch.inference_mode():
            for part in track_blocks(len(images), _BATCH, "measuring", "images"):
                pixels = _dequantize(images[part], random).to(self.device)
                condition = torch.from_numpy(vectors[part]).to(self.device)
                _, likelihood = self.flow.likelihood(pixels, condition)
                size = pixels[0].numel()
                bits += [float(bits_per_dimension(one, size)) for one in likelihood.double()]
        return bits


def _dequantize(images: Images, random: np.random.Generator) -> torch.Tensor:
    """Return images as float (N, C, H, W) in (0, 1), with uniform noise within each level."""
    planes = np.rint(premultiply(images)).transpose(0, 3, 1, 2)
    pixels = (planes + random.random(planes.shape)) / LEVELS
    return torch.from_numpy(pixels.astype(np.float32)).clamp(1e-6, 1 - 1e-6)
