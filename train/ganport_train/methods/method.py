"""What every method offers the loop: networks, optimisers, and a step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ganport_models import Generator
from ganport_train.methods.batch import Batch


class Method(ABC):
    """One way to train a generator; it knows no loop, no file and no data set."""

    generator: Generator
    """The network that is averaged, sampled and exported."""
    optimizers: Mapping[str, torch.optim.Optimizer]
    bf16: bool

    @property
    @abstractmethod
    def networks(self) -> Mapping[str, nn.Module]:
        """Every network that a step changes, by name."""

    @abstractmethod
    def step(self, batch: Batch, number: int) -> dict[str, Tensor]:
        """Trains on a batch, the `number`-th from 0; returns scalars, still on the device."""

    def _descend(self, network: str, loss: Tensor) -> None:
        optimizer = self.optimizers[network]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def _precision(self, device: torch.device) -> torch.autocast:
        return torch.autocast(device.type, torch.bfloat16, enabled=self.bf16)
