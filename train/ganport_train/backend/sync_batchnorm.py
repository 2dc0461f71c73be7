"""Batch norm over the images of all processes of a run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganport_train.backend.distributed import ProcessGroup


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
