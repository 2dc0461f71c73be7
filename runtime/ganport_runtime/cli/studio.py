"""`ganport studio`: open the studio for a bundle, or write it as a static site."""

from __future__ import annotations

import webbrowser
from importlib.metadata import entry_points
from pathlib import Path
from threading import Thread

import click

from ganport_runtime.bundle import Bundle
from ganport_runtime.errors import load_entry_point, require_packages
from ganport_runtime.studio.site import write_site

_RUN_CONFIG = "config.toml"
"""The file that identifies the folder of a training run."""
_SERVICE_PACKAGES = ("msgspec", "prometheus_client", "starlette", "uvicorn")


@click.command()
@click.argument("path", metavar="BUNDLE|RUN")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write a static site into this folder; it runs the bundle in the browser.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free port.")
@click.option("--device", default="auto", help="auto, cpu, cuda[:N], tensorrt[:N] or openvino.")
@click.option("--no-browser", is_flag=True, help="Print the address only.")
def studio(path: str, out: Path | None, port: int, device: str, no_browser: bool) -> None:
    """Open a page in the browser that generates images of BUNDLE, or that shows a training RUN.

    Without --out, this machine generates the images until Ctrl-C. With --out, the page works from
    any web server, and offline once loaded. The page of a run shows its samples, curves and
    warnings while it trains.
    """
    if out is not None:
        write_site(Bundle.open(path), out)
        click.echo(f"wrote {out}; to try it: python -m http.server --directory {out}")
    elif Path(path, _RUN_CONFIG).is_file():
        _show_run(Path(path), port, open_browser=not no_browser)
    else:
        _serve(path, port, device, open_browser=not no_browser)


def _show_run(run: Path, port: int, *, open_browser: bool) -> None:
    require_packages("serve", _SERVICE_PACKAGES)
    (entry,) = entry_points(group="ganport.studio", name="run")
    load_entry_point(entry)(run, port, open_browser=open_browser)


def _serve(bundle: str, port: int, device: str, *, open_browser: bool) -> None:
    require_packages("serve", _SERVICE_PACKAGES)
    from ganport_runtime.service.registry import ModelRegistry
    from ganport_runtime.service.server import run
    from ganport_runtime.service.settings import Settings
    from ganport_runtime.service.workers import address_of, listen

    settings = Settings(port=port)
    with listen(settings.host, settings.port) as listener:
        address = address_of(listener)
        registry = ModelRegistry.open([bundle], device)

        run(registry, settings, listener, lambda: _announce(address, open_browser=open_browser))


def _announce(address: str, *, open_browser: bool) -> None:
    click.echo(f"the studio is at {address}; Ctrl-C ends it")
    if open_browser:
        # A browser in the terminal would block the service.
        Thread(target=webbrowser.open, args=(address,), daemon=True).start()
