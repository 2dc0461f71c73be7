"""The bundles of a service, each loaded once and drawn by a batcher of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Self

import numpy as np

from ganport_runtime.batcher import Batcher
from ganport_runtime.errors import RequestError
from ganport_runtime.generator import Generator
from ganport_runtime.service.errors import unknown_bundle
from ganport_runtime.values import format_choices, sanitize

_SERVED = ("generate", "translate")
# A lone picture of fewer seconds is drawn on the event loop: what comes meanwhile could not be
# drawn any sooner, and a thread costs a tenth of a millisecond.
_IN_PLACE = 0.002
# What stands in an address without escapes.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Served:
    """A bundle under the name it is asked for by."""

    name: str
    generator: Generator
    batcher: Batcher

    @cached_property
    def abilities(self) -> tuple[str, ...]:
        """Which of `generate` and `translate` it can be asked for."""
        return tuple(verb for verb in self.generator.capabilities if verb in _SERVED)

    def need(self, verb: str) -> None:
        """Raise `RequestError` unless it can be asked for that."""
        if verb not in self.abilities:
            able = " and ".join(self.abilities)
            fix = f"Ask it to {able}, or ask another bundle."
            raise _bad("bundle", f"one that can {verb}", f"one that can {able}", fix)


class Shelf:
    """Every `Served` bundle by its name, in the order in which they were put up."""

    def __init__(self, served: Sequence[Served]) -> None:
        if not served:
            raise _bad("BUNDLE", "at least one bundle", "none", "Name a bundle to serve.")
        self._served = {one.name: one for one in served}
        self.closing = False

    @classmethod
    def open(
        cls,
        bundles: Sequence[str],
        device: str = "auto",
        *,
        precision: str = "fp32",
        spinning: bool = False,
        max_queue: int = 4096,
        stall_timeout: float = 30.0,
    ) -> Self:
        """Load each of `bundles`: a path, or NAME=PATH to serve it under another name.

        Without a name it is what stands before `.ganport` or `.onnx`. Raises `RequestError` for
        names that cannot stand in an address or are there twice, and what `Generator.load` raises.
        """
        paths = named(bundles)
        served = []
        for name, path in paths.items():
            generator = Generator.load(path, device, allow_spinning=spinning, precision=precision)
            _warm_up(generator)
            batcher = Batcher(
                generator, max_queue=max_queue, stall_timeout=stall_timeout, inline_budget=_IN_PLACE
            )
            served.append(Served(name, generator, batcher))
        return cls(served)

    def __getitem__(self, name: str) -> Served:
        """The bundle of that name; raises `UnknownBundleError`, which lists all names."""
        try:
            return self._served[name]
        except KeyError:
            raise unknown_bundle(name, self._served) from None

    def __iter__(self) -> Iterator[Served]:
        return iter(self._served.values())

    def __len__(self) -> int:
        return len(self._served)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._served)

    def pick(self, name: str | None) -> Served:
        """The bundle of that name, or with None the only one there is; raises `RequestError`."""
        if name is not None:
            return self[name]
        if len(self._served) > 1:
            fix = "Say which."
            raise _bad("bundle", f"one of {format_choices(self._served)}", "none named", fix)
        return next(iter(self))

    def check_capacity(self) -> None:
        """Raise `QueueFullError` where one bundle is all there is, and nobody may wait for it now:
        before a request is read, for which bundle it is nobody knows."""
        if len(self._served) == 1:
            next(iter(self)).batcher.check_capacity()

    @property
    def ready(self) -> bool:
        """Whether new requests should come here: all is well and the end is not near."""
        return not self.closing and not self.failing()

    def failing(self) -> list[str]:
        """The names of bundles whose batcher died or is stuck."""
        return [one.name for one in self if not one.batcher.healthy()]

    def retire(self) -> None:
        """Be ready no longer; requests that come all the same are still served."""
        self.closing = True

    def close(self, timeout: float) -> None:
        """Draw what is queued, at most for `timeout` seconds in all, and take nothing more."""
        self.closing = True
        deadline = monotonic() + timeout
        for one in self:
            one.batcher.close(max(0.0, deadline - monotonic()))


def _warm_up(generator: Generator) -> None:
    """Draw one picture: the first takes longest, and a graph that cannot run is found out."""
    if "generate" in generator.capabilities:
        job = generator.prepare(seed=0)
    else:
        size = generator.manifest.image.size
        job = generator.prepare_translation(np.zeros((1, *size, 3), np.uint8))
    generator.run_rows([(job, slice(0, 1))])


def named(bundles: Sequence[str]) -> dict[str, str]:
    """The path of each bundle by the name it is served under."""
    paths: dict[str, str] = {}
    for bundle in bundles:
        name, path = _split(bundle)
        if not _NAME.fullmatch(name):
            expected = "a name of letters, digits, dots, dashes and underscores"
            fix = "Serve it under another: NAME=PATH."
            raise _bad(sanitize(bundle, 200), expected, f"'{sanitize(name)}'", fix)
        if name in paths:
            fix = "Serve one of them under another name: NAME=PATH."
            raise _bad(sanitize(bundle, 200), "each name once", f"{name!r} twice", fix)
        paths[name] = path
    return paths


def _split(bundle: str) -> tuple[str, str]:
    name, equals, path = bundle.partition("=")
    if equals and "/" not in name and not Path(bundle).exists():
        return name, path
    return Path(bundle).name.removesuffix(".ganport").removesuffix(".onnx"), bundle


def _bad(place: str, expected: str, found: str, fix: str) -> RequestError:
    return RequestError(place, expected=expected, found=found, fix=fix)
