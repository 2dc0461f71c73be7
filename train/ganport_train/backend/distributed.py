"""One run on several processes: each trains on its rows of every batch, and rank 0 writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ganport_runtime.errors import DeviceError, GanportError
from ganport_train.backend.device import resolve_device
from ganport_train.config.parsing import RecipeError

TIMEOUT = timedelta(hours=1)
"""How long a rank waits for another one that decodes images or scores a checkpoint."""


class LostProcessError(GanportError):
    """A rank that other ranks of the run wait for has ended."""

    default_fix = "Read the message of the rank that failed first. Then continue with --resume."


class UnequalWeightsError(GanportError):
    """The networks of the ranks of one run differ."""

    default_fix = "Use one kind of device and one version of torch on all ranks, then --resume."


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of a run, as one rank sees them; a single process without torchrun.

    Gradients are averaged once after each backward pass, as SGD over the whole batch does (Goyal
    et al. 2017, section 2.3). DistributedDataParallel allows one forward call for each backward
    pass and no `autograd.grad`; an adversarial step and its gradient penalties need both.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    """Rank among the processes of this host: the index of its GPU."""

    @property
    def is_main(self) -> bool:
        """Whether this rank writes files and messages."""
        return self.rank == 0

    def main_only(self, log: Callable[[str], None]) -> Callable[[str], None]:
        """Return `log` on rank 0, and a function that does nothing on other ranks."""
        return log if self.is_main else lambda message: None

    def device(self, name: str) -> torch.device:
        """Return the device of a name, for several processes with CUDA a GPU of its own.

        Raise DeviceError for a name that gives all ranks the same GPU, and for too few GPUs.
        """
        device = resolve_device(name)
        if self.world_size == 1 or device.type != "cuda":
            return device
        if ":" in name:
            raise DeviceError(
                "--device",
                expected=f"auto, cpu or cuda for {self.world_size} processes",
                found=name,
                fix="Use --device cuda. CUDA_VISIBLE_DEVICES selects the GPUs.",
            )
        device = resolve_device(f"cuda:{self.local_rank}")
        torch.cuda.set_device(device)
        return device

    def local_rows(self, batch_size: int) -> slice:
        """Return this rank's rows of a batch; raise RecipeError if the ranks cannot share it."""
        if batch_size % self.world_size:
            raise RecipeError(
                "training.batch_size",
                expected=f"a multiple of the {self.world_size} processes",
                found=str(batch_size),
                fix="Start another number of processes, or set training.batch_size in a new run.",
            )
        count = batch_size // self.world_size
        return slice(self.rank * count, (self.rank + 1) * count)

    def all_reduce_max(self, *values: float) -> list[float]:
        """Return the maximum of each value over the ranks."""
        maxima = torch.tensor(values, dtype=torch.float64)
        self.all_reduce(maxima, dist.ReduceOp.MAX)
        return maxima.tolist()

    def all_reduce(self, tensor: Tensor, operation: Any = None) -> None:
        """Replace a tensor, in place, by its sum over the ranks, or by another reduction."""
        if self.world_size > 1:
            with self._reporting_lost_rank():
                dist.all_reduce(tensor, op=operation or dist.ReduceOp.SUM)

    @torch.no_grad()
    def all_reduce_mean(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors, in place, by their means over the ranks."""
        if self.world_size == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        self.all_reduce(flat)
        parts = torch.split(flat / self.world_size, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def all_gather(self, rows: Tensor) -> Tensor:
        """Return the rows (n, ...) of all ranks in order, (N, ...)."""
        if self.world_size == 1:
            return rows
        rows = rows.contiguous()
        parts = [torch.empty_like(rows) for _ in range(self.world_size)]
        with self._reporting_lost_rank():
            dist.all_gather(parts, rows)
        return torch.cat(parts)

    def check_equal(self, networks: Iterable[nn.Module]) -> None:
        """Raise UnequalWeightsError unless all ranks hold the same parameters, to the bit."""
        if self.world_size == 1:
            return
        sums = [_sum_bytes(value) for network in networks for value in network.parameters()]
        minima, maxima = torch.stack(sums), torch.stack(sums)
        self.all_reduce(minima, dist.ReduceOp.MIN)
        self.all_reduce(maxima, dist.ReduceOp.MAX)
        if not torch.equal(minima, maxima):
            raise UnequalWeightsError(
                f"training on {self.world_size} processes",
                expected="the same weights on each",
                found=f"{int((minima != maxima).sum())} of {len(minima)} tensors that differ",
            )

    @contextmanager
    def synchronized_section(self, *, main_first: bool = False) -> Iterator[None]:
        """Run a block on all ranks; if one rank fails, all ranks exit.

        The first rank that fails raises its error, and the others raise SystemExit without a
        message. With `main_first` the other ranks start when rank 0 is done, and find its files.
        """
        if main_first and not self.is_main:
            self._agree(None)
        error: GanportError | OSError | None = None
        try:
            yield
        except LostProcessError:
            raise
        except (GanportError, OSError) as caught:
            error = caught
        self._agree(error)
        if main_first and self.is_main:
            self._agree(None)

    def _agree(self, error: GanportError | OSError | None) -> None:
        (first,) = self.all_reduce_max(-self.rank if error else -self.world_size)
        if error and first == -self.rank:
            raise error
        if first > -self.world_size:
            raise SystemExit(1)

    @contextmanager
    def _reporting_lost_rank(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise LostProcessError(
                f"process {self.rank} of {self.world_size}",
                expected="to reach the other processes",
                found=str(error).splitlines()[0][:200] if str(error) else "no answer",
            ) from None


SINGLE = ProcessGroup()
"""A run of one process."""


@contextmanager
def init_process_group() -> Iterator[ProcessGroup]:
    """Connect the processes that torchrun started for the block; without torchrun give SINGLE."""
    if not dist.is_available() or not dist.is_torchelastic_launched():
        yield SINGLE
        return
    has_nccl = torch.cuda.is_available() and dist.is_nccl_available()
    with ProcessGroup(
        int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    )._reporting_lost_rank():
        dist.init_process_group("cpu:gloo,cuda:nccl" if has_nccl else "gloo", timeout=TIMEOUT)
    yield ProcessGroup(dist.get_rank(), dist.get_world_size(), int(os.environ["LOCAL_RANK"]))
    # Not in a finally block: after an error this call would wait for ranks that have ended.
    dist.destroy_process_group()


def _sum_bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().reshape(-1).view(torch.uint8).sum(dtype=torch.int64)


def convert_sync_batchnorm(network: nn.Module, processes: ProcessGroup) -> None:
    """Replace the batch norms of a network, in place, by norms over the images of all ranks."""
    if processes.world_size == 1:
        return
    if next(network.parameters()).is_cuda:
        nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return
    for parent in list(network.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, nn.BatchNorm2d):
                setattr(parent, name, CpuSyncBatchNorm(layer, processes))


class CpuSyncBatchNorm(nn.BatchNorm2d):
    """Batch norm over the images of all ranks on CPU, which torch's SyncBatchNorm lacks."""

    def __init__(self, norm: nn.BatchNorm2d, processes: ProcessGroup) -> None:
        super().__init__(norm.num_features)
        # Optimizers and the EMA hold references to the parameters and buffers of `norm`.
        vars(self).update(vars(norm))
        self.processes = processes

    def forward(self, input: Tensor) -> Tensor:
        """Normalize each channel of (N, C, H, W) over the images of all ranks."""
        if not self.training:
            return super().forward(input)
        x = input.float() if input.dtype == torch.bfloat16 else input
        count = self.processes.world_size * x.numel() // x.shape[1]
        mean = all_reduce_sum(self.processes, x.sum(dim=(0, 2, 3))) / count
        centered = x - mean[:, None, None]
        variance = all_reduce_sum(self.processes, centered.square().sum(dim=(0, 2, 3))) / count
        self._update_statistics(mean, variance * (count / (count - 1)))
        scale = torch.rsqrt(variance + self.eps)
        if self.affine:
            scale = scale * self.weight
        result = centered * scale[:, None, None]
        return (result + self.bias[:, None, None] if self.affine else result).to(input.dtype)

    @torch.no_grad()
    def _update_statistics(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_(variance.to(self.running_var.dtype), self.momentum)
        self.num_batches_tracked.add_(1)


def all_reduce_sum(processes: ProcessGroup, value: Tensor) -> Tensor:
    """Return the sum of a tensor over the ranks, differentiable."""
    result: Tensor = _AllReduceSum.apply(value, processes)
    return result


class _AllReduceSum(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, value: Tensor, processes: ProcessGroup) -> Tensor:
        context.processes = processes
        result = value.clone()
        processes.all_reduce(result)
        return result

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return all_reduce_sum(context.processes, gradients[0]), None
