"""Two loops as others write them by hand, for the engine to be measured against.

Both train our networks with the losses of a recipe. They keep no record and can be resumed at no
step; what they leave out is in their favour.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from torchvision import transforms

from ganport_models import build_discriminator, build_generator
from ganport_runtime.conditions import Conditions
from ganport_train.config.recipe import Recipe
from ganport_train.methods.build import NORMS

WORKERS = 2
"""Processes that decode: `workers` of the DCGAN tutorial."""
_PICTURES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Loss:
    """What both networks minimise, of logits (N,) of real, drawn and mismatched pairs."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    mismatch: Callable[[Tensor, Tensor], Tensor]
    paired: bool = False
    """Whether the generator's loss looks at real images too."""


LOSSES = {
    "bce": Loss(
        lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(),
        lambda fake, real: F.softplus(-fake).mean(),
        lambda real, wrong: F.softplus(wrong).mean(),
    ),
    "hinge": Loss(
        lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(),
        lambda fake, real: -fake.mean(),
        lambda real, wrong: F.relu(1 + wrong).mean(),
    ),
    "relativistic": Loss(
        lambda real, fake: F.softplus(fake - real).mean(),
        lambda fake, real: F.softplus(real - fake).mean(),
        lambda real, wrong: F.softplus(wrong - real).mean(),
        paired=True,
    ),
}


class Pictures(torch.utils.data.Dataset[tuple[Tensor, Tensor]]):
    """Image files of a folder or zip, decoded and transformed whenever one is requested."""

    def __init__(self, data: Path, resolution: int, vectors: NDArray[np.float32]) -> None:
        self.data, self.vectors = data, torch.from_numpy(vectors.copy())
        self.archive: zipfile.ZipFile | None = None
        self.names = sorted(name for name in _members(data) if name.endswith(_PICTURES))
        self.transform = transforms.Compose(
            [
                transforms.Resize(resolution),
                transforms.CenterCrop(resolution),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
            ]
        )

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        with self._open(self.names[index]) as file, Image.open(file) as picture:
            pixels: Tensor = self.transform(picture.convert("RGB"))
        # An image that our reader left out shifts the conditions, which no clock can tell.
        return pixels, self.vectors[index % len(self.vectors)]

    def _open(self, name: str) -> IO[bytes]:
        if self.data.is_dir():
            return (self.data / name).open("rb")
        if self.archive is None:  # each worker has its own
            self.archive = zipfile.ZipFile(self.data)
        return self.archive.open(name)


def _members(data: Path) -> list[str]:
    if data.is_dir():
        return [str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()]
    with zipfile.ZipFile(data) as archive:
        return archive.namelist()


class Loop:
    """What both have: networks, optimisers, and the losses of a recipe."""

    def __init__(
        self, recipe: Recipe, conditions: Conditions, device: torch.device, *, careful: bool
    ) -> None:
        self.options, self.latent = recipe.method, recipe.network.z_dim
        self.loss, self.device = LOSSES[recipe.method.loss], device
        shape = recipe.network_config(conditions)
        self.generator = build_generator(recipe.network.generator, shape)
        network = recipe.network
        self.discriminator = build_discriminator(network.discriminator, shape, NORMS[network.norm])
        self.number = 0
        layout = torch.channels_last if careful else torch.contiguous_format
        for network in (self.generator, self.discriminator):
            network.to(device=device, memory_format=layout)  # type: ignore[call-overload]
        adam = recipe.optimizer
        self.draws, self.judges = (
            torch.optim.Adam(
                network.parameters(), lr=rate, betas=(adam.beta1, adam.beta2), fused=careful or None
            )
            for network, rate in (
                (self.generator, adam.generator_lr),
                (self.discriminator, adam.discriminator_lr),
            )
        )

    def penalties(self, real: Tensor, fake: Tensor, condition: Tensor) -> Tensor | float:
        """R1 and R2 with their weights (Mescheder et al. 2018, equations 9 and 10)."""
        total: Tensor | float = 0.0
        self.number += 1
        if (self.number - 1) % self.options.reg_interval:
            return total
        for weight, images in ((self.options.r1, real), (self.options.r2, fake)):
            if weight:
                at = images.detach().float().requires_grad_()
                scores = self.discriminator(at, condition)
                (slope,) = torch.autograd.grad(scores.sum(), at, create_graph=True)
                total = (
                    total
                    + self.options.reg_interval
                    * weight
                    * slope.square().sum(dim=(1, 2, 3)).mean()
                    / 2
                )
        return total


class Plain(Loop):
    """The loop of PyTorch's DCGAN tutorial with a condition: DataLoader, float32, NCHW.

    Like it, it takes the gradients of the discriminator's weights in the generator's part too, and
    reads every loss back to write it down. It has no running average.
    """

    def __init__(
        self,
        data: Path,
        vectors: NDArray[np.float32],
        recipe: Recipe,
        conditions: Conditions,
        device: torch.device,
    ) -> None:
        super().__init__(recipe, conditions, device, careful=False)
        pictures = Pictures(data, recipe.data.resolution, vectors)
        self.loader = DataLoader(
            pictures, recipe.training.batch_size, shuffle=True, num_workers=WORKERS, drop_last=True
        )
        self.batches = self._endless()
        self.losses: list[tuple[float, float, float]] = []

    def _endless(self) -> Iterator[list[Tensor]]:
        while True:
            yield from self.loader

    def step(self) -> None:
        """Trains both networks on a batch."""
        real, condition = (part.to(self.device) for part in next(self.batches))
        judge, loss = self.discriminator, self.loss

        # Train the discriminator.
        judge.zero_grad()
        fake = self.generator(torch.randn(len(real), self.latent, device=self.device), condition)
        scores = judge(real, condition)
        judged = loss.discriminator(scores, judge(fake.detach(), condition))
        if self.options.mismatch_weight:
            wrong = judge(real, condition.roll(1, 0))
            judged = judged + self.options.mismatch_weight * loss.mismatch(scores, wrong)
        judged = judged + self.penalties(real, fake, condition)
        judged.backward()  # type: ignore[no-untyped-call]
        self.judges.step()

        # Train the generator.
        self.generator.zero_grad()
        if loss.paired:
            scores = judge(real, condition)
        drawn = loss.generator(judge(fake, condition), scores)
        drawn.backward()  # type: ignore[no-untyped-call]
        self.draws.step()
        self.losses.append((judged.item(), drawn.item(), scores.mean().item()))


class Careful(Loop):
    """The careful loop: what an engineer who knows torch would write by hand.

    It keeps the images on the device and uses bfloat16 autocast with penalties in float32,
    channels-last, fused Adam and an EMA. Without batch norm, the discriminator sees real and
    generated images in one pass. Its weights get no gradient in the generator's step, and no value
    is read back.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        vectors: NDArray[np.float32],
        recipe: Recipe,
        conditions: Conditions,
        device: torch.device,
        *,
        bf16: bool,
    ) -> None:
        super().__init__(recipe, conditions, device, careful=True)
        self.images = torch.from_numpy(images.copy()).to(device).permute(0, 3, 1, 2)
        self.vectors = torch.from_numpy(vectors.copy()).to(device)
        self.batch, self.bf16 = recipe.training.batch_size, bf16
        self.average = AveragedModel(
            self.generator, multi_avg_fn=get_ema_multi_avg_fn(0.999), use_buffers=False
        )

    def step(self) -> None:
        """Trains both networks on a batch."""
        rows = torch.randint(len(self.images), (self.batch,), device=self.device)
        real, condition = self.images[rows].float().mul_(2 / 255).sub_(1), self.vectors[rows]
        mirrored = torch.rand(self.batch, 1, 1, 1, device=self.device) < 0.5
        real = torch.where(mirrored, real.flip(3), real)

        with self._autocast():
            noise = torch.randn(self.batch, self.latent, device=self.device)
            fake = self.generator(noise, condition)
            judged, scores = self._judged(real, fake.detach(), condition)
        judged = judged + self.penalties(real, fake, condition)
        self._descend(self.judges, judged)

        self.discriminator.requires_grad_(False)
        with self._autocast():
            if self.loss.paired:
                with torch.no_grad():
                    scores = self.discriminator(real, condition).float()
            given = self.discriminator(fake, condition).float()
        self._descend(self.draws, self.loss.generator(given, scores))
        self.discriminator.requires_grad_(True)
        self.average.update_parameters(self.generator)

    def _judged(self, real: Tensor, fake: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        judge, options = self.discriminator, self.options
        if judge.uses_batch_statistics:
            features, drawn = judge.embed(real), judge.embed(fake)
        else:
            features, drawn = judge.embed(torch.cat([real, fake])).chunk(2)
        scores = judge.score(features, condition).float()
        loss = self.loss.discriminator(scores, judge.score(drawn, condition).float())
        if options.mismatch_weight:
            wrong = judge.score(features, condition.roll(1, 0)).float()
            loss = loss + options.mismatch_weight * self.loss.mismatch(scores, wrong)
        return loss, scores

    def _descend(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)
