"""`serve-gan`: bundles drawn over HTTP."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any

import click

from ganport_runtime.errors import GanportWarning
from ganport_runtime.service.auth import VARIABLE, keys_of
from ganport_runtime.service.registry import Shelf, named
from ganport_runtime.service.server import address_of, listen, run
from ganport_runtime.service.settings import Settings
from ganport_runtime.service.supervisor import supervise

_D = Settings()


def _limit(
    name: str, kind: type[int] | type[float], words: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    default = getattr(_D, name.strip("-").replace("-", "_"))
    amount = click.IntRange(1, 2**40) if kind is int else click.FloatRange(0.001, 86400)
    return click.option(name, type=amount, default=default, show_default=True, help=f"{words}.")


@click.command()
@click.version_option(package_name="ganport", prog_name="serve-gan")
@click.argument("bundles", nargs=-1, required=True)
@click.option("--host", default=_D.host, show_default=True, help="0.0.0.0 for all machines.")
@click.option("--port", type=click.IntRange(0, 65535), default=_D.port, show_default=True)
@click.option("--device", default="auto", help="auto, cpu, cuda[:N], tensorrt[:N] or openvino.")
@click.option("--precision", type=click.Choice(["fp32", "fp16", "bf16"]), default="fp32")
@click.option("--spinning", is_flag=True, help="Threads that wait busily: faster, burns cores.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, help="Processes.")
@_limit("--max-images", int, "Pictures of one request")
@_limit("--max-body", int, "Bytes of one request")
@_limit("--max-pixels", int, "Pixels of one uploaded picture")
@_limit("--max-queue", int, "Pictures of each bundle that may wait")
@_limit("--timeout", float, "Seconds for a request that names none")
@_limit("--max-timeout", float, "Seconds that a request may name")
@_limit("--drain", float, "Seconds for what is under way when told to end")
@click.option(
    "--notice",
    type=click.FloatRange(0, 3600),
    default=_D.notice,
    help="Seconds between /readyz saying no and closing the door, for a load balancer to see it.",
)
@click.option(
    "--keys-file",
    type=click.Path(path_type=Path),
    help=f"API keys, one on each line; the variable {VARIABLE} holds some too.",
)
@click.option(
    "--cors", "origins", multiple=True, help="A web origin whose pages may ask; * for all."
)
def serve_gan(
    bundles: tuple[str, ...],
    device: str,
    precision: str,
    spinning: bool,
    workers: int,
    keys_file: Path | None,
    **limits: Any,
) -> None:
    """Draw BUNDLES over HTTP; each is a path, or NAME=PATH to serve it under another name."""
    settings = Settings(keys=keys_of(os.environ, keys_file), **limits)
    opener = partial(
        Shelf.open,
        bundles,
        device,
        precision=precision,
        spinning=spinning,
        max_queue=settings.max_queue,
        stall_timeout=settings.timeout,
    )
    named(bundles)
    with listen(settings.host, settings.port) as listener:
        _warn(settings)
        work = partial(_work, opener, settings, listener)
        if workers == 1:
            work()
        else:
            supervise(work, workers)


def _work(opener: Callable[[], Shelf], settings: Settings, listener: socket) -> None:
    shelf = opener()
    devices = ", ".join(f"{one.name} ({one.generator.device})" for one in shelf)
    line = f"serving {devices} on {address_of(listener)}"
    run(shelf, settings, listener, started=lambda: click.echo(line))


def _warn(settings: Settings) -> None:
    if not settings.is_local and not settings.keys:
        warnings.warn(
            f"everybody who reaches {settings.host} may ask for pictures: "
            f"give --keys-file or set {VARIABLE}.",
            GanportWarning,
            stacklevel=1,
        )
