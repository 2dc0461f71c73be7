"""The commands of the runtime room; `python -m ganport_runtime` is `ganport`."""

from __future__ import annotations

from ganport_runtime.cli.launch import launch


def ganport() -> None:
    """Console script `ganport`."""
    launch("ganport_runtime.cli.root:ganport", extra="tools", needs=("click",))


def sample_gan() -> None:
    """Console script `sample-gan`."""
    launch("ganport_runtime.cli.sample:sample_gan", extra="tools", needs=("click", "PIL"))


def serve_gan() -> None:
    """Console script `serve-gan`."""
    needs = ("click", "PIL", "msgspec", "prometheus_client", "starlette", "uvicorn")
    launch("ganport_runtime.cli.serve:serve_gan", extra="serve", needs=needs)


if __name__ == "__main__":
    ganport()
