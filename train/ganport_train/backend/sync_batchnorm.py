"""Batch norm over the pictures of all processes of a run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganport_train.backend.distributed import Processes


def synchronise(network: nn.Module, processes: Processes) -> None:
    """Has the batch norms of a network, in training, see the pictures of all processes."""
    if processes.count == 1:
        return
    if next(network.parameters()).is_cuda:
        nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return
    for parent in list(network.modules()):
        for name, part in parent.named_children():
            if isinstance(part, nn.BatchNorm2d):
                setattr(parent, name, SharedNorm(part, processes))


class SharedNorm(nn.BatchNorm2d):
    """A batch norm over the pictures of all processes: SyncBatchNorm, which is for CUDA alone."""

    def __init__(self, norm: nn.BatchNorm2d, processes: Processes) -> None:
        super().__init__(norm.num_features)
        # Its very parameters and statistics: optimisers and averages hold on to them.
        vars(self).update(vars(norm))
        self.processes = processes

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) to the same, the channels normalised over all N of all processes."""
        if not self.training:
            return super().forward(input)
        x = input.float() if input.dtype == torch.bfloat16 else input
        count = self.processes.count * x.numel() // x.shape[1]
        mean = total(self.processes, x.sum(dim=(0, 2, 3))) / count
        centred = x - mean[:, None, None]
        variance = total(self.processes, centred.square().sum(dim=(0, 2, 3))) / count
        self._note(mean, variance * (count / (count - 1)))
        scale = torch.rsqrt(variance + self.eps)
        if self.affine:
            scale = scale * self.weight
        result = centred * scale[:, None, None]
        return (result + self.bias[:, None, None] if self.affine else result).to(input.dtype)

    @torch.no_grad()
    def _note(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None and self.momentum is not None
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_(variance.to(self.running_var.dtype), self.momentum)
        self.num_batches_tracked.add_(1)


def total(processes: Processes, value: Tensor) -> Tensor:
    """The sum of a tensor over the processes, through which gradients pass."""
    result: Tensor = _Total.apply(value, processes)
    return result


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, value: Tensor, processes: Processes) -> Tensor:
        context.processes = processes
        result = value.clone()
        processes.reduce(result)
        return result

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return total(context.processes, gradients[0]), None
