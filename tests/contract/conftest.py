"""What the modules of the suite share: a working folder each, and their commands in one process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import product
import pytest
import recorded
import serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a test wait for the commands of its whole module on a busy machine."""
    for item in items:
        if product.HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(product.PATIENCE))


@pytest.fixture(scope="module")
def started(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, product.Calls]]:
    """Start the commands of this module.

    Every process of pytest-xdist collects all modules, but must run the commands of its own only.
    """
    module = request.module
    folder = tmp_path_factory.mktemp("calls") / "work"
    shutil.copytree(product.FIXTURES, folder)
    if hasattr(module, "prepare"):
        module.prepare(folder)
    calls = product.Calls(folder, module.CALLS)
    yield folder, calls
    calls.end()


@pytest.fixture(scope="module")
def work(started: tuple[Path, product.Calls]) -> Path:
    """Return the folder in which the commands of this module ran."""
    return started[0]


@pytest.fixture(scope="module")
def calls(started: tuple[Path, product.Calls]) -> product.Calls:
    """Return how the commands of this module ended."""
    return started[1]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[serving.Service]:
    """Start a service of two tiny bundles with low limits."""
    named = [f"{name}={product.DATA / file}" for name, file in serving.BUNDLES.items()]
    limits = ("--max-images", serving.MAX_IMAGES, "--max-body", serving.MAX_BODY)
    folder = tmp_path_factory.mktemp("service")
    with serving.service(folder, *named, *limits, "--max-pixels", 4096) as running:
        yield running


@pytest.fixture(scope="session")
def generators() -> dict[str, Any]:
    """Load the generators of that service in this process."""
    return {name: recorded.opened(file) for name, file in serving.BUNDLES.items()}
