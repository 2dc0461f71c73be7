"""Two training loops as engineers write them by hand: what `training.py` compares the engine with.

Both train our networks with the losses of a recipe. They write no records and no checkpoints, which
makes them faster.
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
_SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Loss:
    """The losses of both networks, of logits (N,) of real, generated and mismatched pairs."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    mismatch: Callable[[Tensor, Tensor], Tensor]
    needs_real: bool = False
    """Whether the generator's loss also needs the logits of real images."""


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
        needs_real=True,
    ),
}


class ImageFiles(torch.utils.data.Dataset[tuple[Tensor, Tensor]]):
    """Image files of a folder or zip, decoded and transformed whenever one is requested."""

    def __init__(self, data: Path, resolution: int, vectors: NDArray[np.float32]) -> None:
        self.data, self.vectors = data, torch.from_numpy(vectors.copy())
        self.archive: zipfile.ZipFile | None = None
        self.names = sorted(name for name in _members(data) if name.endswith(_SUFFIXES))
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
        with self._open(self.names[index]) as file, Image.open(file) as image:
            pixels: Tensor = self.transform(image.convert("RGB"))
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
    """Base of both loops: networks, optimizers, and the losses of a recipe."""

    def __init__(
        self, recipe: Recipe, conditions: Conditions, device: torch.device, *, is_tuned: bool
    ) -> None:
        self.options, self.z_dim = recipe.method, recipe.network.z_dim
        self.loss, self.device = LOSSES[recipe.method.loss], device
        config = recipe.network_config(conditions)
        self.generator = build_generator(recipe.network.generator, config)
        network = recipe.network
        self.discriminator = build_discriminator(network.discriminator, config, NORMS[network.norm])
        self.step_count = 0
        layout = torch.channels_last if is_tuned else torch.contiguous_format
        for network in (self.generator, self.discriminator):
            network.to(device=device, memory_format=layout)  # type: ignore[call-overload]
        adam = recipe.optimizer
        self.generator_optimizer, self.discriminator_optimizer = (
            torch.optim.Adam(
                network.parameters(),
                lr=rate,
                betas=(adam.beta1, adam.beta2),
                fused=is_tuned or None,
            )
            for network, rate in (
                (self.generator, adam.generator_lr),
                (self.discriminator, adam.discriminator_lr),
            )
        )

    def penalties(self, real: Tensor, fake: Tensor, condition: Tensor) -> Tensor | float:
        """R1 and R2 with their weights (Mescheder et al. 2018, equations 9 and 10)."""
        total: Tensor | float = 0.0
        self.step_count += 1
        if (self.step_count - 1) % self.options.reg_interval:
            return total
        for weight, images in ((self.options.r1, real), (self.options.r2, fake)):
            if weight:
                inputs = images.detach().float().requires_grad_()
                scores = self.discriminator(inputs, condition)
                (gradient,) = torch.autograd.grad(scores.sum(), inputs, create_graph=True)
                total = (
                    total
                    + self.options.reg_interval
                    * weight
                    * gradient.square().sum(dim=(1, 2, 3)).mean()
                    / 2
                )
        return total


class TutorialLoop(Loop):
    """The loop of PyTorch's DCGAN tutorial with a condition: DataLoader, float32, NCHW.

    Like the tutorial, it also computes gradients of the discriminator's weights in the generator's
    step, and copies every loss to the CPU. It has no EMA.
    """

    def __init__(
        self,
        data: Path,
        vectors: NDArray[np.float32],
        recipe: Recipe,
        conditions: Conditions,
        device: torch.device,
    ) -> None:
        super().__init__(recipe, conditions, device, is_tuned=False)
        files = ImageFiles(data, recipe.data.resolution, vectors)
        self.loader = DataLoader(
            files, recipe.training.batch_size, shuffle=True, num_workers=WORKERS, drop_last=True
        )
        self.batches = self._endless()
        self.losses: list[tuple[float, float, float]] = []

    def _endless(self) -> Iterator[list[Tensor]]:
        while True:
            yield from self.loader

    def step(self) -> None:
        """Train both networks on a batch."""
        real, condition = (part.to(self.device) for part in next(self.batches))
        discriminator, loss = self.discriminator, self.loss

        # Train the discriminator.
        discriminator.zero_grad()
        fake = self.generator(torch.randn(len(real), self.z_dim, device=self.device), condition)
        scores = discriminator(real, condition)
        d_loss = loss.discriminator(scores, discriminator(fake.detach(), condition))
        if self.options.mismatch_weight:
            wrong = discriminator(real, condition.roll(1, 0))
            d_loss = d_loss + self.options.mismatch_weight * loss.mismatch(scores, wrong)
        d_loss = d_loss + self.penalties(real, fake, condition)
        d_loss.backward()  # type: ignore[no-untyped-call]
        self.discriminator_optimizer.step()

        # Train the generator.
        self.generator.zero_grad()
        if loss.needs_real:
            scores = discriminator(real, condition)
        g_loss = loss.generator(discriminator(fake, condition), scores)
        g_loss.backward()  # type: ignore[no-untyped-call]
        self.generator_optimizer.step()
        self.losses.append((d_loss.item(), g_loss.item(), scores.mean().item()))


class TunedLoop(Loop):
    """A tuned loop, as an engineer who knows torch writes it.

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
        super().__init__(recipe, conditions, device, is_tuned=True)
        self.images = torch.from_numpy(images.copy()).to(device).permute(0, 3, 1, 2)
        self.vectors = torch.from_numpy(vectors.copy()).to(device)
        self.batch, self.bf16 = recipe.training.batch_size, bf16
        self.ema = AveragedModel(
            self.generator, multi_avg_fn=get_ema_multi_avg_fn(0.999), use_buffers=False
        )

    def step(self) -> None:
        """Train both networks on a batch."""
        rows = torch.randint(len(self.images), (self.batch,), device=self.device)
        real, condition = self.images[rows].float().mul_(2 / 255).sub_(1), self.vectors[rows]
        mirrored = torch.rand(self.batch, 1, 1, 1, device=self.device) < 0.5
        real = torch.where(mirrored, real.flip(3), real)

        with self._autocast():
            noise = torch.randn(self.batch, self.z_dim, device=self.device)
            fake = self.generator(noise, condition)
            d_loss, scores = self._discriminator_loss(real, fake.detach(), condition)
        d_loss = d_loss + self.penalties(real, fake, condition)
        _update(self.discriminator_optimizer, d_loss)

        self.discriminator.requires_grad_(False)
        with self._autocast():
            if self.loss.needs_real:
                with torch.no_grad():
                    scores = self.discriminator(real, condition).float()
            logits = self.discriminator(fake, condition).float()
        _update(self.generator_optimizer, self.loss.generator(logits, scores))
        self.discriminator.requires_grad_(True)
        self.ema.update_parameters(self.generator)

    def _discriminator_loss(
        self, real: Tensor, fake: Tensor, condition: Tensor
    ) -> tuple[Tensor, Tensor]:
        discriminator, options = self.discriminator, self.options
        if discriminator.uses_batch_statistics:
            features, fake_features = discriminator.embed(real), discriminator.embed(fake)
        else:
            features, fake_features = discriminator.embed(torch.cat([real, fake])).chunk(2)
        scores = discriminator.score(features, condition).float()
        loss = self.loss.discriminator(
            scores, discriminator.score(fake_features, condition).float()
        )
        if options.mismatch_weight:
            wrong = discriminator.score(features, condition.roll(1, 0)).float()
            loss = loss + options.mismatch_weight * self.loss.mismatch(scores, wrong)
        return loss, scores

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)


def _update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
