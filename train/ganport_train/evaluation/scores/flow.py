"""What only a flow can be asked: how likely real pictures are, and whether they come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ganport_models import Checkpoint, Flow
from ganport_runtime.conditions import Conditions
from ganport_runtime.generator import Generator
from ganport_train.data.progress import progress_bar
from ganport_train.evaluation.metrics.intervals import of_mean
from ganport_train.evaluation.scores.metric import Figure
from ganport_train.evaluation.scores.sampling import (
    Images,
    Vectors,
    parts,
    requests,
)
from ganport_train.methods.flow import LEVELS, bits_per_dimension

SECTION = "Exact both ways"
MOST = 256
"""Pictures that are encoded, of either side of the split."""
_BATCH = 16


@dataclass(frozen=True, eq=False)
class Sample:
    """Real pictures uint8 (N, H, W, 3) and their vectors (N, C) in the judge's layout."""

    images: Images
    vectors: Vectors


def reconstruction(generator: Generator, conditions: Conditions, sample: Sample) -> Figure:
    """How far pictures come back from their noise, by the bundle's own two graphs."""
    asked = requests(generator, conditions, sample.vectors)
    errors = np.empty(len(asked))
    for part in parts(len(asked), _BATCH):
        noise = generator.encode(sample.images[part], asked[part])
        back = generator.generate(asked[part], z=noise)
        apart = np.abs(back.astype(np.int16) - sample.images[part])
        errors[part] = apart.mean(axis=(1, 2, 3))
    mean, low, high = of_mean(errors.tolist())
    return Figure(
        "by its noise and back: change in levels",
        SECTION,
        mean,
        "lower",
        max(0.0, low),
        high,
        real=0.0,
        note=f"mean over {len(errors)} held-out pictures; the worst has {errors.max():.2f}",
    )


@dataclass(frozen=True, eq=False)
class Likelihood:
    """A flow's network, for its bundle holds no likelihood; `device` is what it runs on."""

    flow: Flow
    device: torch.device

    @classmethod
    def of(cls, source: Path, generator: Generator, device: torch.device) -> Likelihood | None:
        """That of the run or checkpoint that a bundle was exported from; None where it is no flow,
        and where training has gone on since and chosen another checkpoint."""
        checkpoint = Checkpoint.load(source)
        network = checkpoint.generator()
        same = generator.manifest.provenance.get("checkpoint_sha256") == checkpoint.digest
        return cls(network, device) if same and isinstance(network, Flow) else None

    def figures(
        self,
        generator: Generator,
        conditions: Conditions,
        held: Sample,
        known: Sample,
        seed: int,
    ) -> dict[str, Figure]:
        """Bits per dimension of held-out pictures and, beside them, of `known` training ones."""
        sides = {"bits": ("held-out", held), "training_bits": ("training", known)}
        return {
            key: self._figure(words, generator, conditions, sample, seed)
            for key, (words, sample) in sides.items()
        }

    def _figure(
        self, words: str, generator: Generator, conditions: Conditions, sample: Sample, seed: int
    ) -> Figure:
        asked = requests(generator, conditions, sample.vectors)
        vectors = generator.conditions.encode_many(asked)
        mean, low, high = of_mean(self.bits(sample.images, vectors, seed))
        return Figure(
            f"bits per dimension, {words} pictures",
            SECTION,
            mean,
            "lower",
            low,
            high,
            note=f"{len(vectors)} pictures, each level widened by uniform noise; 8 for pure noise",
        )

    def bits(self, images: Images, vectors: Vectors, seed: int) -> Sequence[float]:
        """Bits per dimension of each of the pictures uint8 (N, H, W, 3), under vectors (N, C) in
        the flow's own layout; `seed` draws the noise inside the levels (Theis et al. 2016)."""
        self.flow.to(self.device).eval()
        random = np.random.Generator(np.random.Philox(seed))
        found: list[float] = []
        with (
            torch.inference_mode(),
            progress_bar("measuring", len(images), "pictures", shown=True) as done,
        ):
            for part in parts(len(images), _BATCH):
                pixels = _widened(images[part], random).to(self.device)
                condition = torch.from_numpy(vectors[part]).to(self.device)
                _, likelihood = self.flow.likelihood(pixels, condition)
                size = pixels[0].numel()
                found += [float(bits_per_dimension(one, size)) for one in likelihood.double()]
                done.update(len(pixels))
        return found


def _widened(images: Images, random: np.random.Generator) -> torch.Tensor:
    """Pictures as float (N, 3, H, W) in (0, 1), each somewhere within its level."""
    planes: NDArray[np.uint8] = images.transpose(0, 3, 1, 2)
    pixels = (planes + random.random(planes.shape)) / LEVELS
    return torch.from_numpy(pixels.astype(np.float32)).clamp(1e-6, 1 - 1e-6)
