"""What every method offers the loop: networks, optimisers, and a step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganport_models import Generator
from ganport_train.backend.compiled import reject_compile
from ganport_train.backend.distributed import SINGLE, ProcessGroup
from ganport_train.backend.sync_batchnorm import convert_sync_batchnorm
from ganport_train.config.sections import OptimizerOptions
from ganport_train.methods.batch import Batch
from ganport_train.methods.optimizers import build_optimizers

Figures = dict[str, Tensor]
"""Scalars of one step, still on the device."""


class Method(ABC):
    """One way to train a generator; it knows no loop, no file and no data set.

    `networks` are all that learns, `optimizers` theirs, by name; `modules` are the networks and
    whatever else a step changes; `generator` is the one that is averaged, sampled and exported.
    """

    def __init__(
        self, networks: Mapping[str, nn.Module], optimizer: OptimizerOptions, precision: str
    ) -> None:
        self.networks = networks
        self.optimizers = build_optimizers(networks, optimizer)
        self.modules: dict[str, nn.Module] = dict(networks)
        self.processes = SINGLE
        self._options = optimizer
        self._bf16 = precision == "bf16"

    @property
    def generator(self) -> Generator:
        """The network that is averaged, sampled and exported."""
        generator = self.networks["generator"]
        assert isinstance(generator, Generator)
        return generator

    def join(self, processes: ProcessGroup) -> None:
        """From here on trains as one of several processes, each on its own rows of a batch."""
        self.processes = processes
        for network in self.networks.values():
            convert_sync_batchnorm(network, processes)

    def meet(
        self, images: NDArray[np.uint8], vectors: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> None:
        """Shows a method the pictures it will train on, uint8 (N, H, W, 3), before its first step:
        those `rows` of a data set, with the conditions (N, C). Most need no more than batches.
        """
        del images, vectors, rows

    def compile(self, how: str) -> None:
        """From here on runs the networks' passes as `training.compile` has it.

        Raises RecipeError where that cannot be, CompileError on a machine without a compiler.
        """
        reject_compile(how)

    def set_rates(self, images: int) -> None:
        """Sets the learning rates for a step at so many pictures seen."""
        share = self._options.lr_factor(images)
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = share * getattr(self._options, f"{name}_lr")

    @abstractmethod
    def step(self, batch: Batch, number: int) -> Figures:
        """Trains on a batch, the `number`-th from 0; returns scalars for the log."""

    def _descend(self, network: str, loss: Tensor) -> None:
        self._differentiate(network, loss)
        self.optimizers[network].step()

    def _differentiate(self, network: str, loss: Tensor) -> None:
        # Each process has the mean over its rows; their mean is that over the whole batch.
        self.optimizers[network].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        parameters = self.networks[network].parameters()
        self.processes.all_reduce_mean([p.grad for p in parameters if p.grad is not None])

    def _precision(self, device: torch.device) -> torch.autocast:
        return torch.autocast(device.type, torch.bfloat16, enabled=self._bf16)


def wide(values: Tensor) -> Tensor:
    """Values in float32 at least: bfloat16 is too coarse for losses and for gradients of them."""
    return values.float() if values.dtype == torch.bfloat16 else values
