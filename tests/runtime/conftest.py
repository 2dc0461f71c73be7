"""The tiny bundles, and copies of them that tests change."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parent / "data"


class TinyBundle:
    """A copy of a committed bundle that a test may change."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def manifest(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.path / "manifest.json").read_text())
        return value

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the manifest in place."""
        value = self.manifest
        change(value)
        (self.path / "manifest.json").write_text(json.dumps(value))

    def rewrite(self, name: str, change: Callable[[bytes], bytes]) -> None:
        """Change a file, and update the manifest and the sums."""
        data = change((self.path / name).read_bytes())
        (self.path / name).write_bytes(data)
        entry = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        self.edit(lambda manifest: manifest["files"].update({name: entry}))
        self.sign()

    def sign(self) -> None:
        """Write the sums of the current files."""
        names = sorted(file.name for file in self.path.iterdir() if file.name != "SHA256SUMS")
        digests = [hashlib.sha256((self.path / name).read_bytes()).hexdigest() for name in names]
        lines = [f"{digest}  {name}\n" for digest, name in zip(digests, names, strict=True)]
        (self.path / "SHA256SUMS").write_text("".join(lines))

    def zipped(self, compression: int = zipfile.ZIP_STORED) -> Path:
        """Return a zip of the bundle."""
        path = self.path.with_name("zipped.ganport")
        with zipfile.ZipFile(path, "w", compression) as archive:
            for file in sorted(self.path.iterdir()):
                archive.write(file, file.name)
        return path


def copy_bundle(name: str, folder: Path) -> TinyBundle:
    shutil.copytree(DATA / name, folder / name)
    return TinyBundle(folder / name)


@pytest.fixture
def tiny(tmp_path: Path) -> TinyBundle:
    return copy_bundle("tiny.ganport", tmp_path)


@pytest.fixture
def tiny_translator(tmp_path: Path) -> TinyBundle:
    return copy_bundle("tiny-translator.ganport", tmp_path)


@pytest.fixture
def tiny_flow(tmp_path: Path) -> TinyBundle:
    return copy_bundle("tiny-flow.ganport", tmp_path)


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of the committed bundles."""
    return DATA


@pytest.fixture(scope="session")
def model() -> bytes:
    """Return the graph of the tiny bundle."""
    return (DATA / "tiny.onnx").read_bytes()
