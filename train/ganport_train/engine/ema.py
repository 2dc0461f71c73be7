"""The exponential moving average (EMA) of the generator, and its batch norm calibration."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel

from ganport_models import Generator
from ganport_train.config.sections import EmaOptions

_CALIBRATION_BATCH = 128


class GeneratorEma(AveragedModel):
    """An EMA of a generator's parameters with a half-life in training images.

    The half-life ramps up with the training images, so that the EMA forgets the first weights
    (`ema_rampup_ratio` in the code of Karras et al. 2022, EDM).
    """

    def __init__(self, generator: Generator, options: EmaOptions, batch_size: int) -> None:
        super().__init__(generator)
        self._options, self._batch_size = options, batch_size

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Move the parameters towards those of the generator, and copy its buffers.

        The update of `AveragedModel` copies its count to the device, which waits for a GPU.
        """
        decay = ema_decay(self._options, self._batch_size, int(self.n_averaged))
        torch._foreach_lerp_([*self.module.parameters()], [*model.parameters()], 1 - decay)
        for mean, current in zip(self.module.buffers(), model.buffers(), strict=True):
            mean.copy_(current)
        self.n_averaged += 1


def ema_decay(options: EmaOptions, batch_size: int, updates: int) -> float:
    """Return the decay of an update, 0 to 1, after a number of updates."""
    half_life = min(options.half_life, options.rampup_ratio * updates * batch_size)
    return float(0.5 ** (batch_size / half_life)) if half_life > 0 else 0.0


def finalize_ema(
    ema: AveragedModel, calibration_batch: Callable[[], tuple[Tensor, Tensor]]
) -> Generator:
    """Return a copy of the EMA generator in eval mode with calibrated batch norm statistics.

    Averaged weights have other activations than the trained weights, so the statistics of training
    do not match ("standing statistics" of BigGAN, Brock et al. 2019, appendix C). A generator
    without batch norm does not call `calibration_batch`, which gives noise and conditions.
    """
    generator = copy.deepcopy(ema.module)
    assert isinstance(generator, Generator)
    norms = [layer for layer in generator.modules() if isinstance(layer, _BatchNorm)]
    if norms:
        _calibrate(generator, norms, *calibration_batch())
    return generator.eval()


def _calibrate(
    generator: Generator, norms: Sequence[_BatchNorm], z: Tensor, condition: Tensor
) -> None:
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    generator.train()
    # The mean weights all batches equally, so their sizes differ by at most one.
    count = max(1, len(z) // _CALIBRATION_BATCH)
    batches = zip(torch.tensor_split(z, count), torch.tensor_split(condition, count), strict=True)
    with torch.no_grad():
        for batch in batches:
            generator(*batch)
