"""Names for architectures: a decorator puts a class in, a name and a shape bring a network out."""

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
    """Class decorator that makes a generator buildable by `name`."""

    def register(network: G) -> G:
        assert name not in _GENERATORS, f"two generators are called {name}"
        _GENERATORS[name] = network
        return network

    return register


def register_discriminator(name: str) -> Callable[[D], D]:
    """Class decorator that makes a discriminator buildable by `name`."""

    def register(network: D) -> D:
        assert name not in _DISCRIMINATORS, f"two discriminators are called {name}"
        _DISCRIMINATORS[name] = network
        return network

    return register


def generator_names() -> list[str]:
    """Every registered generator, sorted."""
    return sorted(_GENERATORS)


def discriminator_names() -> list[str]:
    """Every registered discriminator, sorted."""
    return sorted(_DISCRIMINATORS)


def build_generator(name: str, config: NetworkConfig) -> Generator:
    """A freshly initialised generator; raises NetworkError for an unknown name."""
    _check_name("generator", name, generator_names())
    return _GENERATORS[name](config)


def build_discriminator(
    name: str, config: NetworkConfig, norm: Norm | None = None, groups: Sequence[int] | None = None
) -> Discriminator:
    """A freshly initialised discriminator; raises NetworkError for an unknown name.

    `norm` is its own when none is named; `groups` are the lengths of the condition's groups.
    """
    _check_name("discriminator", name, discriminator_names())
    return _DISCRIMINATORS[name](config, norm, groups)


def _check_name(kind: str, name: str, known: list[str]) -> None:
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=1)
        raise NetworkError(
            f"network.{kind}",
            expected="one of " + ", ".join(known),
            found=repr(name),
            fix=f"Did you mean {nearest[0]!r}?" if nearest else "Name one of them.",
        )
