"""The files of the studio: where they lie, and the version of onnxruntime-web."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from ganport_runtime.studio.files import RUNTIME_FILES, js_folder, runtime_folder

ROOT = Path(__file__).parents[3]


def test_js_folder_of_a_clone_is_that_of_the_package() -> None:
    assert js_folder() == ROOT / "runtime/js/dist"


def test_runtime_folder_of_an_incomplete_package_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "ganport_onnxruntime_web"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert runtime_folder() != package
    for name in RUNTIME_FILES:
        (package / name).touch()
    assert runtime_folder() == package


def test_wheel_of_the_runtime_has_the_version_that_npm_installs() -> None:
    lock = json.loads((ROOT / "runtime/js/package-lock.json").read_text())
    installed = lock["packages"]["node_modules/onnxruntime-web"]["version"]
    project = tomllib.loads((ROOT / "runtime/onnxruntime_web/pyproject.toml").read_text())
    assert project["project"]["version"] == installed


def test_lock_file_records_no_address() -> None:
    assert "resolved" not in (ROOT / "runtime/js/package-lock.json").read_text()
