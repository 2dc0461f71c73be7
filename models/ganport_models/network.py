"""The two bases every architecture stands on, and the numbers that shape one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from ganport_runtime.errors import GanportError
from ganport_runtime.values import repr_short

BASE_SIZE = 4
"""Pixels across the first feature map of a generator and the last of a discriminator."""

Norm = Literal["batch", "none", "spectral"]
"""What keeps a discriminator's convolutions in bounds."""

MAX_RESOLUTION = 1024
MAX_FEATURES = 1024
MAX_VECTOR = 65536
"""Most numbers of a noise, a condition or an embedding."""

KERNELS = (4, 5)

_LIMITS = {
    "base_channels": (1, MAX_FEATURES),
    "z_dim": (1, MAX_VECTOR),
    "embed_dim": (1, MAX_VECTOR),
    "condition_size": (0, MAX_VECTOR),
    "num_levels": (1, 8),
    "num_blocks": (1, 64),
}


class NetworkError(GanportError):
    """A network that is unknown, or that cannot be built with the numbers given."""


@dataclass(frozen=True)
class NetworkConfig:
    """The numbers that make one network out of an architecture.

    A checkpoint stores them beside the architecture's name, so they are all that is needed, with
    the weights, to build the network again.
    """

    resolution: int
    """Height and width of the picture in pixels: a power of two, at least 16."""
    condition_size: int
    """Length of the condition vector; 0 = unconditional, for networks that need no condition."""
    base_channels: int
    """Channels at the highest inner resolution; lower ones have multiples of it."""
    z_dim: int
    """Length of the noise vector."""
    embed_dim: int
    """Width of the learned embedding of the condition."""
    kernel: int = 4
    """Side of the strided convolutions' kernels, 4 or 5."""
    num_levels: int = 4
    """Sizes a flow works at."""
    num_blocks: int = 6
    """Steps at each of them; residual blocks of an image-to-image network."""

    def __post_init__(self) -> None:
        power = self.resolution & (self.resolution - 1) == 0
        if not power or not 16 <= self.resolution <= MAX_RESOLUTION:
            raise NetworkError(
                "resolution",
                expected=f"a power of two from 16 to {MAX_RESOLUTION}",
                found=repr_short(self.resolution),
                fix="Set data.resolution to 32, 64 or 128.",
            )
        if self.kernel not in KERNELS:
            raise NetworkError(
                "kernel",
                expected="4 or 5",
                found=repr_short(self.kernel),
                fix="Set network.kernel.",
            )
        for name, (least, most) in _LIMITS.items():
            if not least <= getattr(self, name) <= most:
                raise NetworkError(
                    name,
                    expected=f"a number from {least} to {most}",
                    found=repr_short(getattr(self, name)),
                    fix="Set it in the recipe's [network] section.",
                )

    @property
    def stages(self) -> int:
        """How often the size doubles between the base map and the picture: 4 at 64 pixels."""
        return (self.resolution // BASE_SIZE).bit_length() - 1

    def widths(self, most: int = 8) -> list[int]:
        """Channels from the base map to the last inner map, e.g. [512, 256, 128, 64] at 64 pixels.

        They double with each halving of the size, up to `most` times `base_channels`.
        """
        return [self.base_channels * min(2**k, most) for k in reversed(range(self.stages))]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as plain JSON, for a checkpoint."""
        return asdict(self)


def need_condition(config: NetworkConfig) -> None:
    """Raises NetworkError for a network without a condition, in networks that have to have one."""
    if config.condition_size == 0:
        raise NetworkError(
            "condition_size",
            expected="at least 1: this network needs a condition",
            found="0",
            fix="Take tagged pictures, or a network that needs no condition.",
        )


class Generator(nn.Module):
    """Base of every generator: noise and condition in, picture out.

    `forward(z, condition)` takes z of shape (N, *z_shape) and condition of shape
    (N, condition_size), both float32, and returns (N, 3, H, W) float32 in [-1, 1].
    """

    interface: ClassVar[str] = "gan.generate/1"
    """What its graph will be, in the words of `docs/interface.md`."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config

    @property
    def z_shape(self) -> tuple[int, ...]:
        """Shape of one sample's noise."""
        return (self.config.z_dim,)


class Flow(Generator):
    """Base of invertible generators: `encode` is the way back from a picture to its noise."""

    def likelihood(self, pixels: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Z (N, *z_shape) of pixels (N, 3, H, W) in (0, 1), and their log-likelihood (N,)."""
        raise NotImplementedError

    def encode(self, image: Tensor, condition: Tensor) -> Tensor:
        """Z (N, *z_shape) of pictures (N, 3, H, W) in [-1, 1]."""
        raise NotImplementedError


class Translator(Generator):
    """Base of image-to-image generators: `forward(image, condition)`, both pictures in [-1, 1]."""

    interface = "gan.translate/1"

    @property
    def z_shape(self) -> tuple[int, ...]:
        """Shape of the picture that comes in: there is no noise."""
        return (3, self.config.resolution, self.config.resolution)


class Discriminator(nn.Module):
    """Base of every discriminator: `forward(image, condition)` gives (N,) logits.

    It works in two stages, so that one look at a picture serves several conditions: the
    mismatched pairs of GAN-CLS (Reed et al. 2016, section 4.2) score the same features again.
    `groups` are the lengths of the condition's groups, for heads that read each of them.
    """

    usual_norm: ClassVar[Norm] = "batch"
    """The norm it has when none is named."""
    classifies: ClassVar[bool] = False
    """Whether it has an auxiliary classifier."""
    conditional: ClassVar[bool] = True
    """Whether its score depends on the condition."""

    def __init__(
        self, config: NetworkConfig, norm: Norm | None = None, groups: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        if self.conditional or self.classifies:
            need_condition(config)
        self.config = config
        self.norm: Norm = norm or self.usual_norm
        self.groups = tuple(groups or (config.condition_size,))

    @property
    def mixes_batch(self) -> bool:
        """Whether a picture's features depend on its batch, as batch norm makes them."""
        return self.norm == "batch"

    def embed(self, image: Tensor) -> Tensor:
        """Features of pictures (N, 3, H, W) in [-1, 1]."""
        raise NotImplementedError

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Logits (N,) of features under conditions (N, condition_size); above 0 = real."""
        raise NotImplementedError

    def score_and_classify(self, features: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """The score, and logits (N, condition_size) of the condition that features show."""
        raise NotImplementedError

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Logits (N,) of pictures under conditions."""
        return self.score(self.embed(image), condition)
