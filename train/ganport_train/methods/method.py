"""The interface of a training method: networks, optimizers, and a step on a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganport_models import Generator
from ganport_runtime.images.format import CHANNELS
from ganport_train.backend.compilation import reject_compile
from ganport_train.backend.distributed import SINGLE, ProcessGroup, convert_sync_batchnorm
from ganport_train.config.sections import OptimizerOptions

StepMetrics = dict[str, Tensor]
"""Scalars of one step for the log, still on the device."""


@dataclass(frozen=True)
class Batch:
    """The real images of a step, on the run's device.

    `random` is the random stream of the step: a method takes all its random numbers from it, in a
    fixed order, so a step depends only on (seed, step). Each of several processes generates the
    numbers for all N rows of the step and uses its own rows, so that several processes see what a
    single one would see.
    """

    real: Tensor
    """(n, 3, H, W) float32 in [-1, 1], the rows of this process."""
    all_conditions: NDArray[np.float32]
    """(N, C), the conditions of all images of the step."""
    random: np.random.Generator
    rows: slice = field(default_factory=lambda: slice(None))
    """The rows of this process; all rows for a single process."""

    @cached_property
    def condition(self) -> Tensor:
        """The conditions of this process's rows on the device, (n, C); copied once per step."""
        return self.local_rows(self.all_conditions)

    def noise(self, shape: Sequence[int]) -> Tensor:
        """Return standard normal noise (n, *shape)."""
        size = (len(self.all_conditions), *shape)
        return self.local_rows(self.random.standard_normal(size, dtype=np.float32))

    def uniform(self, shape: Sequence[int] = ()) -> Tensor:
        """Return uniform numbers in [0, 1), (n, *shape)."""
        size = (len(self.all_conditions), *shape)
        return self.local_rows(self.random.random(size, dtype=np.float32))

    def local_rows(self, array: NDArray[np.float32]) -> Tensor:
        """Return this process's rows of an array (N, ...), with device and dtype of `real`."""
        return to_device(array[self.rows], self.real.device).to(self.real.dtype)


class TrainingMethod(ABC):
    """One way to train a generator, independent of the training loop, files, and data sets.

    `networks` are the trained networks and `optimizers` theirs, by name. `modules` are the networks
    and every other module with state. `generator` is averaged, sampled, and exported.
    """

    def __init__(
        self, networks: Mapping[str, nn.Module], optimizer: OptimizerOptions, precision: str
    ) -> None:
        self.networks = networks
        self.optimizers = {
            name: _build_optimizer(name, network, optimizer) for name, network in networks.items()
        }
        self.modules: dict[str, nn.Module] = dict(networks)
        self.processes = SINGLE
        self._options = optimizer
        self._bf16 = precision == "bf16"

    @property
    def generator(self) -> Generator:
        """The network that is averaged, sampled, and exported."""
        generator = self.networks["generator"]
        assert isinstance(generator, Generator)
        return generator

    def set_process_group(self, processes: ProcessGroup) -> None:
        """Train as one of several processes, each on its own rows of a batch."""
        self.processes = processes
        for network in self.networks.values():
            convert_sync_batchnorm(network, processes)

    def prepare_data(
        self, images: NDArray[np.uint8], vectors: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> None:
        """Read statistics of the training images before the first step; most methods need none.

        `images` is uint8 (N, H, W, 3), `vectors` (N, C), and `rows` are the training rows.
        """
        del images, vectors, rows

    def compile(self, mode: str) -> None:
        """Compile the forward passes with a mode of `training.compile`.

        Raises RecipeError if the method cannot be compiled, CompileError without a compiler.
        """
        reject_compile(mode)

    def set_learning_rates(self, images: int) -> None:
        """Set the learning rates for a step after `images` training images."""
        factor = self._options.lr_factor(images)
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = factor * getattr(self._options, f"{name}_lr")

    @abstractmethod
    def step(self, batch: Batch, number: int) -> StepMetrics:
        """Train on a batch, the `number`-th from 0; return scalars for the log."""

    def _optimizer_step(self, network: str, loss: Tensor) -> None:
        self._backward(network, loss)
        self.optimizers[network].step()

    def _backward(self, network: str, loss: Tensor) -> None:
        # Each process has the mean over its rows; the mean of these is that of the whole batch.
        self.optimizers[network].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        parameters = self.networks[network].parameters()
        self.processes.all_reduce_mean([p.grad for p in parameters if p.grad is not None])

    def _autocast(self, device: torch.device) -> torch.autocast:
        return torch.autocast(device.type, torch.bfloat16, enabled=self._bf16)


def to_float32(values: Tensor) -> Tensor:
    """Convert bfloat16 to float32: bfloat16 is too coarse for losses and their gradients."""
    return values.float() if values.dtype == torch.bfloat16 else values


def to_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """Copy an array to a device, from pinned memory for a GPU.

    A copy from pageable memory waits for all queued GPU work and delays the next kernels.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def to_signed(pixels: Tensor) -> Tensor:
    """Return uint8 images (N, C, H, W) as float32 in [-1, 1], colors premultiplied by alpha."""
    images = pixels.to(torch.float32)
    if images.shape[1] == CHANNELS["rgba"]:
        images[:, :3].mul_(images[:, 3:]).mul_(1 / 255)
    return images.mul_(2 / 255).sub_(1)


def _build_optimizer(
    name: str, network: nn.Module, options: OptimizerOptions
) -> torch.optim.Optimizer:
    """Build a network's optimizer: Adam with both betas, RMSprop with beta2, SGD with beta1."""
    parameters = network.parameters()
    kind: str = getattr(options, name)
    lr: float = getattr(options, f"{name}_lr")
    if kind == "adam":
        betas = (options.beta1, options.beta2)
        return torch.optim.Adam(parameters, lr=lr, betas=betas, fused=True)
    if kind == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=lr, alpha=options.beta2)
    return torch.optim.SGD(parameters, lr=lr, momentum=options.beta1)
