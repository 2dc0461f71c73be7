"""The tiny bundles, and copies of them that tests change."""

from __future__ import annotations

import gc
import hashlib
import json
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parent / "data"


def loop_seconds() -> float:
    """Return the CPU time of a fixed loop: 0.03 s on a fast machine, 0.1 s on a slow server."""
    started = time.process_time()
    sum(index & 7 for index in range(1_500_000))
    return time.process_time() - started


@contextmanager
def _limit_work(loops: float) -> Iterator[None]:
    """Fail if the block takes longer than some fixed loops: the limit follows the machine.

    Garbage collection waits, because it takes time for the objects of all earlier tests.
    """
    gc.disable()
    started = time.process_time()
    try:
        yield
        spent = time.process_time() - started
    finally:
        gc.enable()
    assert spent < 0.03 * loops or spent < loops * max(loop_seconds(), loop_seconds())


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


@pytest.fixture
def limit_work() -> Callable[[float], AbstractContextManager[None]]:
    return _limit_work
