"""`serve-gan`: serve bundles over HTTP."""

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
from ganport_runtime.service.registry import ModelRegistry, parse_bundle_args
from ganport_runtime.service.server import run
from ganport_runtime.service.settings import KEYS_VARIABLE, Settings, load_api_keys
from ganport_runtime.service.workers import address_of, close_port, listen, supervise

_DEFAULTS = Settings()


def _limit_option(
    name: str, kind: type[int] | type[float], text: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    default = getattr(_DEFAULTS, name.strip("-").replace("-", "_"))
    values = click.IntRange(1, 2**40) if kind is int else click.FloatRange(0.001, 86400)
    return click.option(name, type=values, default=default, show_default=True, help=f"{text}.")


@click.command()
@click.version_option(package_name="ganport", prog_name="serve-gan")
@click.argument("bundles", nargs=-1, required=True)
@click.option("--host", default=_DEFAULTS.host, show_default=True, help="0.0.0.0: all networks.")
@click.option("--port", type=click.IntRange(0, 65535), default=_DEFAULTS.port, show_default=True)
@click.option("--device", default="auto", help="auto, cpu, cuda[:N], tensorrt[:N] or openvino.")
@click.option("--precision", type=click.Choice(["fp32", "fp16", "bf16"]), default="fp32")
@click.option("--allow-spinning", is_flag=True, help="Faster threads that use CPU time while idle.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, help="Number of processes.")
@_limit_option("--max-images", int, "Images per request")
@_limit_option("--max-body", int, "Bytes of a request body")
@_limit_option("--max-receiving", int, "Bytes of all large request bodies")
@_limit_option("--max-sending", int, "Bytes of all responses that clients have not taken")
@_limit_option("--max-connections", int, "Open connections")
@_limit_option("--max-pixels", int, "Pixels of an uploaded image")
@_limit_option("--max-queue", int, "Waiting images per bundle")
@_limit_option("--timeout", float, "Seconds for a request that names no timeout")
@_limit_option("--max-timeout", float, "Largest timeout of a request in seconds")
@_limit_option("--shutdown-timeout", float, "Seconds for open requests after a stop signal")
@click.option(
    "--shutdown-delay",
    type=click.FloatRange(0, 3600),
    default=_DEFAULTS.shutdown_delay,
    help="Seconds from a stop signal, when /readyz reports 503, to the shutdown.",
)
@click.option(
    "--keys-file",
    type=click.Path(path_type=Path),
    help=f"File of API keys, one per line; {KEYS_VARIABLE} adds keys from the environment.",
)
@click.option(
    "--cors",
    "origins",
    multiple=True,
    help="Web origin whose pages may call the service; * for all.",
)
@click.option(
    "--access-log",
    type=click.Choice(["text", "json"]),
    help="Write one line for each request to standard output.",
)
@click.option("--public-metrics", is_flag=True, help="/metrics needs no key.")
@click.option("--no-page", is_flag=True, help="Serve no page at /.")
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    help="Name that the Host header may have, in addition to local names on a local address.",
)
def serve_gan(
    bundles: tuple[str, ...],
    device: str,
    precision: str,
    allow_spinning: bool,
    workers: int,
    keys_file: Path | None,
    no_page: bool,
    **limits: Any,
) -> None:
    """Serve BUNDLES over HTTP; each is a path, or NAME=PATH to set its name.

    Exit codes: 0 stopped by a signal, 1 error, 2 usage, 6 missing package.
    """
    settings = Settings(keys=load_api_keys(os.environ, keys_file), page=not no_page, **limits)
    open_registry = partial(
        ModelRegistry.open,
        bundles,
        device,
        precision=precision,
        allow_spinning=allow_spinning,
        max_queue=settings.max_queue,
        stall_timeout=settings.timeout,
    )
    parse_bundle_args(bundles)  # reports invalid names before a worker starts
    with listen(settings.host, settings.port) as listener:
        _warn_if_open(settings)
        work = partial(_serve, open_registry, settings, listener)
        if workers == 1:
            work(lambda: None)
        else:
            # Clients could connect until the last process closes the socket.
            close = partial(close_port, listener, settings.shutdown_delay)
            supervise(work, workers, on_stop=close)


def _serve(
    open_registry: Callable[[], ModelRegistry],
    settings: Settings,
    listener: socket,
    on_ready: Callable[[], None],
) -> None:
    registry = open_registry()
    names = ", ".join(f"{served.name} ({served.generator.device})" for served in registry)

    def report() -> None:
        click.echo(f"serving {names} on {address_of(listener)}")
        on_ready()

    run(registry, settings, listener, report)


def _warn_if_open(settings: Settings) -> None:
    if not settings.is_local and not settings.keys:
        warnings.warn(
            f"any client that reaches {settings.host} may generate images: "
            f"use --keys-file or set {KEYS_VARIABLE}.",
            GanportWarning,
            stacklevel=1,
        )
