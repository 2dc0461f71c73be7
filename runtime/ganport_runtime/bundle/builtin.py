"""The bundle that ships with the runtime: something to draw right after installing."""

from __future__ import annotations

from os.path import isfile, lexists
from pathlib import Path

from ganport_runtime.bundle.manifest import MANIFEST_NAME
from ganport_runtime.errors import BundleError

STARTER = "starter"
"""What it is called wherever a bundle is asked for."""

_SHIPPED = Path(__file__).parents[1] / "starter.ganport"


def resolve(path: Path) -> Path:
    """Where the bundle called `path` lies: for `starter` that is the shipped one.

    A bundle of that name in the working directory comes first: Python drops the dot of
    `./starter`, so that it could not be asked for otherwise. A folder that is no bundle does not
    stand in the way. Raises `BundleError` where the package was installed without its data.
    """
    is_file = isfile(path)  # noqa: PTH113  Path.is_file raises where the way is closed
    if str(path) != STARTER or is_file or lexists(path / MANIFEST_NAME):
        return path
    if not _SHIPPED.is_file():
        raise BundleError(
            STARTER,
            expected="the bundle that ships with ganport",
            found=f"no {_SHIPPED.name} in the package",
            fix="Install ganport again; PyInstaller takes it with --collect-data ganport_runtime.",
        )
    return _SHIPPED
