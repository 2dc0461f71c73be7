"""The base classes of all architectures, the config that sets their sizes, and their registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, TypeVar

from torch import Tensor, nn

from ganport_models.resolution import (
    RULE,
    Resolution,
    base_size,
    is_resolution,
    num_upsamples,
    resolution_to_json,
    simplify,
    to_size,
)
from ganport_runtime.errors import GanportError
from ganport_runtime.images.format import CHANNELS
from ganport_runtime.values import format_choices, repr_short, suggestion

Norm = Literal["batch", "none", "spectral"]
"""Normalization of a discriminator's layers."""

MAX_FEATURES = 1024
MAX_VECTOR = 65536
"""Largest size of a noise, condition or embedding vector."""

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
    """An unknown network, or a config that it cannot be built with."""


@dataclass(frozen=True)
class NetworkConfig:
    """The sizes of a network. With the architecture's name and the weights it rebuilds the network.

    resolution: side of a square image, or (height, width); see `is_resolution`.
    condition_size: length of the condition vector; 0 for an unconditional network.
    base_channels: channels at the highest inner resolution; lower resolutions have multiples.
    z_dim: length of the noise vector.
    embed_dim: width of the learned embedding of the condition.
    kernel: side of the kernels of strided convolutions, 4 or 5.
    num_levels: levels of a flow.
    num_blocks: steps per level of a flow; residual blocks of other networks.
    image_channels: 1 for gray, 3 for RGB, 4 for premultiplied RGB and alpha.
    """

    resolution: Resolution
    condition_size: int
    base_channels: int
    z_dim: int
    embed_dim: int
    kernel: int = 4
    num_levels: int = 4
    num_blocks: int = 6
    image_channels: int = CHANNELS["rgb"]

    def __post_init__(self) -> None:
        if not is_resolution(self.resolution):
            fix = "Set data.resolution to 32, 48, 64, 128 or [96, 64]."
            raise NetworkError("resolution", RULE, repr_short(self.resolution), fix)
        object.__setattr__(self, "resolution", simplify(self.resolution))
        if self.image_channels not in CHANNELS.values():
            found = repr_short(self.image_channels)
            raise NetworkError("image_channels", "1, 3 or 4", found, "Set data.mode.")
        if self.kernel not in KERNELS:
            raise NetworkError("kernel", "4 or 5", repr_short(self.kernel), "Set network.kernel.")
        for name, (low, high) in _LIMITS.items():
            if not low <= getattr(self, name) <= high:
                expected, found = f"a number from {low} to {high}", repr_short(getattr(self, name))
                fix = "Set it in the recipe's [network] section."
                raise NetworkError(name, expected, found, fix)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image."""
        return to_size(self.resolution)

    @property
    def base_size(self) -> tuple[int, int]:
        """Height and width of a generator's first map and of a discriminator's last one."""
        return base_size(self.resolution)

    @property
    def base_area(self) -> int:
        """Number of pixels of the base map: 16 at 64 pixels."""
        height, width = self.base_size
        return height * width

    @property
    def num_upsamples(self) -> int:
        """Doublings of the size from the base map to the image: 4 at 64 pixels."""
        return num_upsamples(self.resolution)

    def channels(self, max_mult: int = 8) -> list[int]:
        """Return the channels from the base map to the last inner map.

        They double when the size halves, up to `max_mult` times `base_channels`. At 64 pixels and
        64 base channels they are [512, 256, 128, 64].
        """
        steps = reversed(range(self.num_upsamples))
        return [self.base_channels * min(2**k, max_mult) for k in steps]

    def to_json(self) -> dict[str, Any]:
        """Return the sizes as plain JSON."""
        return asdict(self) | {"resolution": resolution_to_json(self.resolution)}


def require_condition(config: NetworkConfig) -> None:
    """Raise `NetworkError` if the config has no condition."""
    if config.condition_size == 0:
        expected = "at least 1: this network needs a condition"
        fix = "Use a dataset with labels, or train a recipe without conditions: anime-dcgan."
        raise NetworkError("condition_size", expected, "0", fix)


class Generator(nn.Module):
    """Base class of generators: noise and condition to an image.

    `forward(z, condition)` takes float32 z `(N, *z_shape)` and condition (N, condition_size), and
    returns float32 (N, C, H, W) in [-1, 1]. A subclass creates its layers in `build`.
    """

    interface: ClassVar[str] = "gan.generate/1"
    """Interface of the exported graph, as defined in `docs/interface.md`."""
    num_colors: ClassVar[int] = 0
    """Colors of the data set that it starts with; `init_colors` takes them."""
    conditional: ClassVar[bool] = True
    """Whether it needs a condition."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        if self.conditional:
            require_condition(config)
        self.config = config
        self.build(config)

    def init_colors(self, colors: Tensor) -> None:
        """Start with `colors` (up to `num_colors`, C) in [-1, 1]; the default ignores them."""

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""

    @property
    def z_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one sample."""
        return (self.config.z_dim,)


class Flow(Generator):
    """Base class of invertible generators; `encode` maps an image to its noise."""

    def likelihood(self, pixels: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return z `(N, *z_shape)` and log-likelihood (N,) of pixels (N, C, H, W) in (0, 1)."""
        raise NotImplementedError

    def encode(self, image: Tensor, condition: Tensor) -> Tensor:
        """Return z `(N, *z_shape)` of images (N, C, H, W) in [-1, 1]."""
        raise NotImplementedError


class Translator(Generator):
    """Base class of image-to-image generators: `forward(image, condition)`, images in [-1, 1]."""

    interface = "gan.translate/1"

    @property
    def z_shape(self) -> tuple[int, ...]:
        """Shape of the input image, which replaces the noise."""
        return (self.config.image_channels, *self.config.size)


class Discriminator(nn.Module):
    """Base class of discriminators: `forward(image, condition)` returns logits (N,).

    `embed` and `score` are separate, so that one embedding serves several conditions: the
    mismatched pairs of GAN-CLS (Reed et al. 2016, section 4.2) score the same features again.
    A subclass creates its layers in `build`: `body`, from images to features, and `classifier`,
    from features to (N, condition_size), if it `classifies`.
    `groups` are the sizes of the condition groups, for networks with a head for each of them.
    """

    default_norm: ClassVar[Norm] = "batch"
    classifies: ClassVar[bool] = False
    """Whether it has an auxiliary classifier."""
    conditional: ClassVar[bool] = True
    """Whether its score depends on the condition."""
    body: nn.Module
    classifier: nn.Module

    def __init__(
        self, config: NetworkConfig, norm: Norm | None = None, groups: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        if self.conditional or self.classifies:
            require_condition(config)
        self.config = config
        self.norm: Norm = norm or self.default_norm
        self.groups = tuple(groups or (config.condition_size,))
        self.build(config)

    def build(self, config: NetworkConfig) -> None:
        """Create the layers; `norm` and `groups` are set."""

    @property
    def uses_batch_statistics(self) -> bool:
        """Whether the features of an image depend on its batch, as with batch norm."""
        return self.norm == "batch"

    def embed(self, image: Tensor) -> Tensor:
        """Return the features of images (N, C, H, W) in [-1, 1]."""
        features: Tensor = self.body(image)
        return features

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return logits (N,) of features under conditions (N, condition_size); above 0 is real."""
        raise NotImplementedError

    def score_and_classify(self, features: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return the score and the class logits (N, condition_size) of features."""
        return self.score(features, condition), self.classifier(features)

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Return logits (N,) of images under conditions."""
        return self.score(self.embed(image), condition)


N = TypeVar("N", bound=type[nn.Module])

_GENERATORS: dict[str, type[Generator]] = {}
_DISCRIMINATORS: dict[str, type[Discriminator]] = {}


def register_generator(name: str) -> Callable[[N], N]:
    """Register a generator class under `name`; a class decorator."""
    return _register(_GENERATORS, name)


def register_discriminator(name: str) -> Callable[[N], N]:
    """Register a discriminator class under `name`; a class decorator."""
    return _register(_DISCRIMINATORS, name)


def _register(registry: dict[str, Any], name: str) -> Callable[[N], N]:
    def register(network: N) -> N:
        assert name not in registry, f"two networks have the name {name}"
        registry[name] = network
        return network

    return register


def generator_names() -> list[str]:
    """Return the names of all generators, sorted."""
    return sorted(_GENERATORS)


def discriminator_names() -> list[str]:
    """Return the names of all discriminators, sorted."""
    return sorted(_DISCRIMINATORS)


def build_generator(name: str, config: NetworkConfig) -> Generator:
    """Build a generator with random weights; raises `NetworkError` for an unknown name."""
    _check_name("generator", name, generator_names())
    return _GENERATORS[name](config)


def build_discriminator(
    name: str, config: NetworkConfig, norm: Norm | None = None, groups: Sequence[int] | None = None
) -> Discriminator:
    """Build a discriminator with random weights; raises `NetworkError` for an unknown name.

    norm: the default is the architecture's own. groups: sizes of the condition groups.
    """
    _check_name("discriminator", name, discriminator_names())
    return _DISCRIMINATORS[name](config, norm, groups)


def _check_name(kind: str, name: str, known: list[str]) -> None:
    if name not in known:
        fix = suggestion(name, known, "Use one of these names.")
        raise NetworkError(f"network.{kind}", f"one of {format_choices(known)}", repr(name), fix)
