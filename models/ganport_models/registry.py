"""The registry of architectures: names for classes, and networks for names."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import TypeVar

from ganport_models.network import Discriminator, Generator, NetworkConfig, NetworkError, Norm

G = TypeVar("G", bound=type[Generator])
D = TypeVar("D", bound=type[Discriminator])

_GENERATORS: dict[str, type[Generator]] = {}
_DISCRIMINATORS: dict[str, type[Discriminator]] = {}


def register_generator(name: str) -> Callable[[G], G]:
    """Register a generator class under `name`; a class decorator."""

    def register(network: G) -> G:
        assert name not in _GENERATORS, f"two generators have the name {name}"
        _GENERATORS[name] = network
        return network

    return register


def register_discriminator(name: str) -> Callable[[D], D]:
    """Register a discriminator class under `name`; a class decorator."""

    def register(network: D) -> D:
        assert name not in _DISCRIMINATORS, f"two discriminators have the name {name}"
        _DISCRIMINATORS[name] = network
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
        matches = difflib.get_close_matches(name, known, n=1)
        fix = f"Did you mean {matches[0]!r}?" if matches else "Use one of these names."
        raise NetworkError(f"network.{kind}", "one of " + ", ".join(known), repr(name), fix)
