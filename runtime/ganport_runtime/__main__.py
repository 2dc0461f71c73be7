"""Console commands of the runtime; `python -m ganport_runtime` runs `ganport`."""

from __future__ import annotations

from ganport_runtime.cli.launch import run_entry_point


def ganport() -> None:
    """Run `ganport`."""
    run_entry_point("ganport_runtime.cli.root:ganport", extra="tools", packages=("click",))


def sample_gan() -> None:
    """Run `sample-gan`."""
    run_entry_point(
        "ganport_runtime.cli.sample:sample_gan", extra="tools", packages=("click", "PIL")
    )


def serve_gan() -> None:
    """Run `serve-gan`."""
    packages = ("click", "PIL", "msgspec", "prometheus_client", "starlette", "uvicorn")
    run_entry_point("ganport_runtime.cli.serve:serve_gan", extra="serve", packages=packages)


if __name__ == "__main__":
    ganport()
