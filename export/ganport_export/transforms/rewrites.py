"""Rewrites of torch calls that ONNX cannot express, into calls with the same values.

- A grouped convolution whose groups are the batch, as in StyleGAN2's fused modulated convolution
  (Karras et al. 2020, appendix B): a matrix product of each sample for every kernel position.
- Attention over three dimensions, (N, length, channels): one head, (N, 1, length, channels).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ganport_export.adapter import Wrapped
from ganport_export.interface import Interface
from ganport_export.test_inputs import make_batch

_BATCH = 3


class Rewritten(Wrapped):
    """A network that runs under the rewrites."""

    def forward(self, first: Tensor, condition: Tensor | None = None) -> Any:
        """Return the output of the network."""
        with _Rewrites():
            return self.network(first) if condition is None else self.network(first, condition)


def rewrite(network: nn.Module, interface: Interface) -> nn.Module:
    """Return the network itself if it has no call to rewrite, else one that is rewritten."""
    recorder = _Rewrites()
    with torch.no_grad(), recorder:
        network(*make_batch(interface, _BATCH).tensors())
    return Rewritten(network).eval() if recorder.count else network


class _Rewrites(TorchFunctionMode):
    """Rewrites every call of the kinds above, and counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        options = kwargs or {}
        rewritten = _REWRITES[func](*args, **options) if func in _REWRITES else None
        self.count += rewritten is not None
        return func(*args, **options) if rewritten is None else rewritten


def _attention(
    query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any
) -> Tensor | None:
    if query.dim() != 3 or args or kwargs.get("attn_mask") is not None:
        return None
    query, key, value = (part.unsqueeze(1) for part in (query, key, value))
    return F.scaled_dot_product_attention(query, key, value, **kwargs).squeeze(1)


def _conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: Any = 1,
) -> Tensor | None:
    plain = bias is None and _pair(stride) == (1, 1) and _pair(dilation) == (1, 1)
    if not plain or isinstance(padding, str) or not _is_grouped_by_sample(input, groups):
        return None
    top, left = _pair(padding)
    samples = _samples(input, weight.shape[1])
    kernels = weight.reshape(samples.shape[0], -1, *weight.shape[1:])
    return _correlate(F.pad(samples, (left, left, top, top)), kernels)


def _conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Any = 1,
    dilation: Any = 1,
) -> Tensor | None:
    """Insert zeros between the pixels, then correlate with the flipped kernel."""
    plain = bias is None and _pair(dilation) == (1, 1) and _pair(output_padding) == (0, 0)
    if not plain or not _is_grouped_by_sample(input, groups):
        return None
    (rows, columns), (top, left) = _pair(stride), _pair(padding)
    height, width = weight.shape[2] - 1 - top, weight.shape[3] - 1 - left
    channels = _channels(input, groups)
    samples = _samples(input, channels)
    spread = _insert_zeros(samples, rows, columns)
    kernels = weight.reshape(samples.shape[0], channels, *weight.shape[1:]).transpose(1, 2)
    return _correlate(F.pad(spread, (width, width, height, height)), kernels.flip((3, 4)))


_REWRITES: dict[Any, Callable[..., Tensor | None]] = {
    F.scaled_dot_product_attention: _attention,
    F.conv2d: _conv2d,
    F.conv_transpose2d: _conv_transpose2d,
}


def _is_grouped_by_sample(input: Tensor, groups: Any) -> bool:
    """Return whether one row holds the samples of a batch as groups.

    The batch is symbolic in torch.export, 2 in a trace, and 3 when calls are counted. A grouped
    convolution of one row has the same values either way.
    """
    if input.dim() != 4 or input.shape[0] != 1:
        return False
    return isinstance(groups, torch.SymInt) or groups in (2, _BATCH)


def _channels(input: Tensor, groups: Any) -> int:
    return int(input.shape[1] // groups)


def _samples(input: Tensor, channels: int) -> Tensor:
    return input.reshape(-1, channels, *input.shape[2:])


def _insert_zeros(samples: Tensor, rows: int, columns: int) -> Tensor:
    batch, channels, height, width = samples.shape
    spread = F.pad(samples[:, :, :, None, :, None], (0, columns - 1, 0, 0, 0, rows - 1))
    flat = spread.reshape(batch, channels, height * rows, width * columns)
    return flat[:, :, : height * rows - rows + 1, : width * columns - columns + 1]


def _correlate(samples: Tensor, kernels: Tensor) -> Tensor:
    """Return (1, N * O, H', W') of padded samples (N, C, H, W) and kernels (N, O, C, k, l)."""
    rows, columns = kernels.shape[3:]
    height, width = samples.shape[2] - rows + 1, samples.shape[3] - columns + 1
    windows = F.unfold(samples, (rows, columns))
    return (kernels.flatten(2) @ windows).reshape(1, -1, height, width)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])
