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
from ganport_runtime.service.keys import VARIABLE, keys_of
from ganport_runtime.service.server import address_of, listen, run
from ganport_runtime.service.settings import Settings
from ganport_runtime.service.shelf import Shelf, named
from ganport_runtime.service.workers import supervise

_D = Settings()
_AMOUNT = click.IntRange(min=1)
_SECONDS = click.FloatRange(min=0, min_open=True, max=86400)


@click.command()
@click.version_option(package_name="ganport", prog_name="serve-gan")
@click.argument("bundles", nargs=-1, required=True)
@click.option("--host", default=_D.host, show_default=True, help="0.0.0.0 for every machine.")
@click.option("--port", type=click.IntRange(0, 65535), default=_D.port, show_default=True)
@click.option("--device", default="auto", help="auto, cpu, cuda[:N], tensorrt[:N] or openvino.")
@click.option("--precision", type=click.Choice(["fp32", "fp16", "bf16"]), default="fp32")
@click.option("--spinning", is_flag=True, help="Threads that wait busily: faster, burns a core.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, help="Processes.")
@click.option("--max-images", type=_AMOUNT, default=_D.max_images, help="Of one request.")
@click.option("--max-body", type=_AMOUNT, default=_D.max_body, help="Bytes of one request.")
@click.option("--max-queue", type=_AMOUNT, default=_D.max_queue, help="Pictures that may wait.")
@click.option("--timeout", type=_SECONDS, default=_D.timeout, help="Of a request that names none.")
@click.option("--max-timeout", type=_SECONDS, default=_D.max_timeout, help="That one may name.")
@click.option("--drain", type=_SECONDS, default=_D.drain, help="Seconds to end in at SIGTERM.")
@click.option("--notice", type=click.FloatRange(0, 3600), default=_D.notice, help="See the page.")
@click.option("--keys-file", type=click.Path(path_type=Path), help="API keys, one on each line.")
@click.option("--cors", "origins", multiple=True, metavar="ORIGIN", help="Repeatable; * for all.")
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
        stuck_after=settings.timeout,
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
