"""Static sites: their files, the page's policy, the list that the service worker keeps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ganport_runtime.bundle import Bundle
from ganport_runtime.errors import RequestError
from ganport_runtime.studio.files import RUNTIME_FILES
from ganport_runtime.studio.site import write_site


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a package with the files of onnxruntime-web, which are large, cut short."""
    folder = tmp_path / "installed" / "ganport_onnxruntime_web"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    for name in RUNTIME_FILES:
        (folder / name).write_bytes(name.encode())
    monkeypatch.syspath_prepend(str(folder.parent))
    return folder


def site_files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_site_holds_page_runtime_and_the_files_that_a_browser_reads(tmp_path: Path) -> None:
    bundle = Bundle.open("starter")
    write_site(bundle, tmp_path / "site")
    files = site_files(tmp_path / "site")
    assert {
        "index.html",
        "service-worker.js",
        "studio/main.js",
        "studio/js/dist/ganport.js",
    } <= files
    assert {f"studio/ort/{name}" for name in RUNTIME_FILES} <= files
    assert {name for name in files if name.startswith("bundles/")} == {
        "bundles/starter/manifest.json",
        "bundles/starter/generator.onnx",
    }
    graph = (tmp_path / "site/bundles/starter/generator.onnx").read_bytes()
    assert graph == bundle.read("generator.onnx")
    assert Bundle.open(tmp_path / "site/bundles/starter").digest == bundle.digest


def test_page_of_a_site_names_its_bundle_and_has_a_policy(tmp_path: Path) -> None:
    write_site(Bundle.open("starter"), tmp_path / "site")
    page = (tmp_path / "site/index.html").read_text(encoding="utf-8")
    assert '<body data-backend="local" data-bundle="bundles/starter/">' in page
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy.startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';")
    assert "frame-ancestors" not in policy


def test_service_worker_lists_every_file_and_changes_with_them(tmp_path: Path, data: Path) -> None:
    worker = tmp_path / "site/service-worker.js"
    write_site(Bundle.open("starter"), tmp_path / "site")
    first = json.loads(worker.read_text().split("self.SITE = ")[1].split(";\n")[0])
    assert set(first["files"]) == site_files(tmp_path / "site") - {"service-worker.js"} | {"./"}
    write_site(Bundle.open(data / "tiny.ganport"), tmp_path / "site")
    second = json.loads(worker.read_text().split("self.SITE = ")[1].split(";\n")[0])
    assert first["version"] != second["version"]
    assert "bundles/tiny/manifest.json" in second["files"]


def test_site_of_a_single_graph_holds_that_file(tmp_path: Path, data: Path) -> None:
    write_site(Bundle.open(data / "tiny.onnx"), tmp_path / "site")
    graph = tmp_path / "site/bundles/tiny.onnx"
    assert graph.read_bytes() == (data / "tiny.onnx").read_bytes()
    assert 'data-bundle="bundles/tiny.onnx"' in (tmp_path / "site/index.html").read_text()


def test_bundle_without_seeds_is_refused(tmp_path: Path, data: Path) -> None:
    with pytest.raises(RequestError, match=r"expected a graph gan\.generate/1"):
        write_site(Bundle.open(data / "tiny-translator.ganport"), tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/thesis.txt").write_text("years")
    with pytest.raises(RequestError, match="other files"):
        write_site(Bundle.open("starter"), tmp_path / "work")
    assert (tmp_path / "work/thesis.txt").read_text() == "years"


def test_site_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="an existing folder"):
        write_site(Bundle.open("starter"), tmp_path / "missing/site")
