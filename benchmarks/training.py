"""A training step of `quick`: what its precision and its memory layout are worth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from timing import Comparison, Work, compare

from ganport_models import build_discriminator, build_generator
from ganport_train import catalogue
from ganport_train.loop.device import pick, precision
from ganport_train.methods.adversarial import Adversarial, Batch


def comparisons() -> Iterator[Comparison]:
    """bf16 against fp32, and channels-last against the layout torch starts with."""
    device = pick("auto")
    fast = precision("auto", device)
    if fast == "fp32":
        print(f"{device.type} here has no fast bf16: its comparison is left out")
    else:
        yield _precisions(device, fast)
    yield compare(
        f"training step of quick on {device.type}: channels-last against NCHW",
        _step(device, fast, torch.channels_last),
        _step(device, fast, torch.contiguous_format),
    )


def _precisions(device: torch.device, fast: str) -> Comparison:
    return compare(
        f"training step of quick on {device.type}: {fast} against fp32",
        _step(device, fast, torch.channels_last),
        _step(device, "fp32", torch.channels_last),
    )


def _step(device: torch.device, wanted: str, layout: torch.memory_format) -> Work:
    recipe = catalogue.load("anime-cgan")
    quick = catalogue.load("quick")
    conditions = recipe.vocabulary()
    assert conditions is not None
    shape = quick.shape(conditions)
    generator = build_generator(quick.network.generator, shape)
    discriminator = build_discriminator(quick.network.discriminator, shape)
    for network in (generator, discriminator):
        network.to(device=device, memory_format=layout)  # type: ignore[call-overload]
    method = Adversarial(generator, discriminator, quick.method, quick.optimizer, wanted)
    count = quick.training.batch
    vectors = torch.from_numpy(
        conditions.encode_many(
            [
                {"hair": np.random.default_rng(i).choice(conditions["hair"].labels)}
                for i in range(count)
            ]
        )
    ).to(device)
    real = torch.rand(count, 3, shape.resolution, shape.resolution, device=device) * 2 - 1
    batch = Batch(
        real=real.contiguous(memory_format=layout),
        condition=vectors,
        mismatched=vectors.roll(1, 0),
        z=torch.randn(count, shape.latent, device=device),
    )

    def work() -> None:
        method.step(batch)
        if device.type == "cuda":
            torch.cuda.synchronize()

    return work
