"""The running average of the generator: what is sampled, kept and exported."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, update_bn

from ganport_models import Generator
from ganport_train.config.sections import EmaOptions

_REFRESH_BATCH = 128


def averaged(generator: Generator, options: EmaOptions, batch: int) -> AveragedModel:
    """An exponential average of the generator's parameters with a half-life in pictures.

    The half-life ramps up with the pictures seen, so that the first weights are soon forgotten
    (as `ema_rampup_ratio` does in the code of Karras et al. 2022, EDM).
    """
    average = AveragedModel(generator)

    def update(means: Sequence[Tensor], current: Sequence[Tensor], _: Tensor | int) -> None:
        # The module's own count lies on the CPU; reading the one passed would hold up a GPU.
        keep = decay(options, batch, int(average.n_averaged))
        torch._foreach_lerp_(list(means), list(current), 1 - keep)

    average.multi_avg_fn = update
    return average


def decay(options: EmaOptions, batch: int, updates: int) -> float:
    """How much of the average is kept at an update, 0 to 1, after so many updates."""
    half_life = min(options.half_life, options.rampup_ratio * updates * batch)
    return float(0.5 ** (batch / half_life)) if half_life > 0 else 0.0


@dataclass(frozen=True)
class _Draw:
    # Not a tuple: update_bn would take the first part of one and drop the condition.
    z: Tensor
    condition: Tensor


class _Drawing(nn.Module):
    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, draw: _Draw) -> Tensor:
        image: Tensor = self.generator(draw.z, draw.condition)
        return image


def ready(average: AveragedModel, draw: Callable[[], tuple[Tensor, Tensor]]) -> Generator:
    """A copy of the averaged generator in eval mode, its batch-norm statistics re-estimated.

    Averaged weights see other activations than the weights they came from, so the statistics of
    training do not fit them (BigGAN's "standing statistics", Brock et al. 2019, appendix C).
    `draw` gives the noise and conditions for that; a generator without batch norm needs none.
    """
    generator = copy.deepcopy(average.module)
    assert isinstance(generator, Generator)
    if any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in generator.modules()):
        _refresh(generator, *draw())
    return generator.eval()


def _refresh(generator: Generator, z: Tensor, condition: Tensor) -> None:
    # Parts of nearly equal size: update_bn weighs each alike.
    parts = max(1, len(z) // _REFRESH_BATCH)
    draws = zip(torch.tensor_split(z, parts), torch.tensor_split(condition, parts), strict=True)
    with torch.no_grad():
        update_bn([_Draw(*draw) for draw in draws], _Drawing(generator))
