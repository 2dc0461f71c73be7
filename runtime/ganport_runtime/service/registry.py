"""The registry: the served bundles, each loaded once with a batcher of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Self

import numpy as np

from ganport_runtime.batcher import Batcher
from ganport_runtime.errors import RequestError
from ganport_runtime.generator import Generator
from ganport_runtime.service.inference_model import InferenceModel
from ganport_runtime.service.responses import UnknownBundleError
from ganport_runtime.values import format_choices, sanitize

_VERBS = ("generate", "translate")
"""What the service offers; a bundle may also encode."""
_INLINE_BUDGET = 0.002
"""Seconds; a faster single image runs on the event loop, because a thread switch costs 0.1 ms."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Names that need no escapes in a URL."""


@dataclass(frozen=True)
class ServedBundle:
    """A loaded bundle under its name in the service."""

    name: str
    generator: Generator
    batcher: Batcher

    @cached_property
    def capabilities(self) -> tuple[str, ...]:
        """Return which of `generate` and `translate` the bundle supports."""
        return tuple(verb for verb in self.generator.capabilities if verb in _VERBS)

    @cached_property
    def model(self) -> InferenceModel:
        """Return the bundle as a model of the Open Inference Protocol."""
        return InferenceModel(self.name, self.generator)

    def require(self, verb: str) -> None:
        """Raise `RequestError` unless the bundle supports `verb`."""
        if verb not in self.capabilities:
            supported = " and ".join(self.capabilities)
            raise RequestError(
                "bundle",
                expected=f"a bundle that can {verb}",
                found=f"a bundle that can {supported}",
                fix=f"Use it to {supported}, or choose another bundle.",
            )


class ModelRegistry:
    """All served bundles by name, in the order of their registration."""

    def __init__(
        self,
        bundles: Sequence[ServedBundle],
        load: Callable[[], Sequence[ServedBundle]] | None = None,
    ) -> None:
        """Serve `bundles`; `load` returns the same names for `reload`."""
        if not bundles:
            raise RequestError("BUNDLE", "at least one bundle", "none", "Name a bundle to serve.")
        self._bundles = {served.name: served for served in bundles}
        self._load = load
        self.version = 0
        self.draining = self.rejecting = False

    @classmethod
    def open(
        cls,
        bundles: Sequence[str],
        device: str = "auto",
        *,
        precision: str = "fp32",
        allow_spinning: bool = False,
        max_queue: int = 4096,
        stall_timeout: float = 30.0,
    ) -> Self:
        """Load each bundle: PATH, or NAME=PATH to serve it under another name.

        The default name is the file name without `.ganport` or `.onnx`. Raises `RequestError` for
        an invalid or repeated name, and what `Generator.load` raises.
        """

        def load() -> list[ServedBundle]:
            served = []
            for name, path in parse_bundle_args(bundles).items():
                generator = Generator.load(
                    path, device, allow_spinning=allow_spinning, precision=precision
                )
                _warm_up(generator)
                batcher = Batcher(
                    generator,
                    max_queue=max_queue,
                    stall_timeout=stall_timeout,
                    inline_budget=_INLINE_BUDGET,
                )
                served.append(ServedBundle(name, generator, batcher))
            return served

        return cls(load(), load)

    def reload(self) -> None:
        """Load all bundles from their paths again, and serve them from now on.

        The requests of a replaced bundle keep it alive until they are answered; its batcher ends
        with its last reference. Raises what `Generator.load` raises, and then replaces nothing.
        """
        if self._load is not None:
            self._bundles = {served.name: served for served in self._load()}
            self.version += 1

    def __getitem__(self, name: str) -> ServedBundle:
        """Return the bundle of that name; raises `UnknownBundleError`, which lists all names."""
        try:
            return self._bundles[name]
        except KeyError:
            raise UnknownBundleError.from_name(name, self._bundles) from None

    def __iter__(self) -> Iterator[ServedBundle]:
        return iter(self._bundles.values())

    def __len__(self) -> int:
        return len(self._bundles)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all bundles."""
        return tuple(self._bundles)

    def get(self, name: str | None) -> ServedBundle:
        """Return the bundle of that name, or the only one for None; raises `RequestError`."""
        if name is not None:
            return self[name]
        if len(self._bundles) > 1:
            expected = f"one of {format_choices(self._bundles)}"
            raise RequestError("bundle", expected, "no name", "Name a bundle.")
        return next(iter(self))

    def check_capacity(self, verb: str) -> None:
        """Raise `QueueFullError` if only one bundle is served and its queue is full.

        Raises `RequestError` if that bundle does not support `verb`. Checks before the request is
        received; with several bundles the name is unknown.
        """
        if len(self._bundles) == 1:
            served = next(iter(self))
            served.batcher.check_capacity()
            served.require(verb)

    @property
    def ready(self) -> bool:
        """Return whether the service should get new requests."""
        return not self.draining and not self.unhealthy()

    def unhealthy(self) -> list[str]:
        """Return the names of bundles whose worker has died or stalled."""
        return [served.name for served in self if not served.batcher.healthy()]

    def start_draining(self) -> None:
        """Report not ready from now on; requests are still served."""
        self.draining = True

    def start_rejecting(self) -> None:
        """Reject new requests from now on; the accepted ones are finished."""
        self.draining = self.rejecting = True

    def close(self, timeout: float) -> None:
        """Reject new requests and finish the waiting ones within `timeout` seconds in total."""
        self.start_rejecting()
        deadline = monotonic() + timeout
        for served in self:
            served.batcher.close(max(0.0, deadline - monotonic()))


def parse_bundle_args(bundles: Sequence[str]) -> dict[str, str]:
    """Return the path of each bundle by its name in the service; raises `RequestError`."""
    paths: dict[str, str] = {}
    for bundle in bundles:
        name, path = _split_name(bundle)
        place = sanitize(bundle, 200)
        if not _NAME.fullmatch(name):
            expected = "a name of letters, digits, dots, dashes and underscores"
            fix = "Serve it under another name: NAME=PATH."
            raise RequestError(place, expected, f"'{sanitize(name)}'", fix)
        if name in paths:
            fix = "Serve one of them under another name: NAME=PATH."
            raise RequestError(place, "each name once", f"{name!r} twice", fix)
        paths[name] = path
    return paths


def _split_name(bundle: str) -> tuple[str, str]:
    name, equals, path = bundle.partition("=")
    if equals and "/" not in name and not Path(bundle).exists():
        return name, path
    return Path(bundle).name.removesuffix(".ganport").removesuffix(".onnx"), bundle


def _warm_up(generator: Generator) -> None:
    """Run one image: the first run is the slowest, and it detects a graph that cannot run."""
    if "generate" in generator.capabilities:
        encoded = generator.prepare(seed=0)
    else:
        image = generator.image
        blank = np.zeros((1, *image.size, image.channels), np.uint8)
        encoded = generator.prepare_translation(blank)
    generator.run_rows([(encoded, slice(0, 1))])
