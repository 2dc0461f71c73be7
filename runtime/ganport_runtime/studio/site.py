"""Static sites: a folder with the page, onnxruntime-web and a bundle, for any web server."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from html import escape
from pathlib import Path

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.manifest import MANIFEST_NAME
from ganport_runtime.bundle.schema import GENERATE
from ganport_runtime.errors import RequestError
from ganport_runtime.files import atomic_directory, check_folder, sha256_of
from ganport_runtime.studio.files import (
    JS_FILES,
    JS_PREFIX,
    PAGE_FOLDER,
    RUNTIME_FILES,
    RUNTIME_PREFIX,
    content_security_policy,
    js_folder,
    require_runtime,
)

_WORKER = "service-worker.js"
_PAGE = "index.html"
_BUNDLES = "bundles"
_HEAD = '<meta charset="utf-8" />'
_BODY = '<body data-backend="service">'
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def write_site(bundle: Bundle, folder: Path) -> None:
    """Write a site that shows `bundle` into the new or replaced `folder`.

    Raises `RequestError` for a bundle that cannot generate and for a folder that holds anything
    else than such a site, `BundleError` for a damaged bundle, and `MissingExtraError` without
    onnxruntime-web.
    """
    if bundle.manifest.graph(GENERATE) is None:
        found = ", ".join(graph.interface for graph in bundle.manifest.graphs)
        fix = "Choose a bundle that generates images from seeds."
        raise RequestError(str(bundle.path), f"a graph {GENERATE}", found, fix)
    runtime = require_runtime()
    _check_target(folder)
    with atomic_directory(folder) as target:
        shutil.copytree(PAGE_FOLDER / "studio", target / "studio")
        (target / "studio" / _WORKER).unlink()
        _copy_files(js_folder(), JS_FILES, target / JS_PREFIX)
        _copy_files(runtime, RUNTIME_FILES, target / RUNTIME_PREFIX)
        source = _write_bundle(bundle, target)
        (target / _PAGE).write_text(_local_page(source), encoding="utf-8")
        (target / _WORKER).write_text(_service_worker(target), encoding="utf-8")


def _copy_files(source: Path, names: Sequence[str], target: Path) -> None:
    target.mkdir(parents=True)
    for name in names:
        shutil.copyfile(source / name, target / name)


def _check_target(folder: Path) -> None:
    check_folder(folder.resolve().parent)
    is_site = (folder / _WORKER).is_file() and (folder / "studio").is_dir()
    if folder.exists() and not is_site and (folder.is_file() or any(folder.iterdir())):
        fix = "Name a new folder; a site that was written before is replaced."
        raise RequestError(str(folder), "a new folder, or an earlier site", "other files", fix)


def _write_bundle(bundle: Bundle, target: Path) -> str:
    """Write the files that a browser needs; return their address in the site."""
    graph = bundle.find_onnx(GENERATE)[1]
    name = _UNSAFE.sub("-", bundle.path.stem).strip(".-") or "bundle"
    if bundle.is_single_file:
        path = Path(_BUNDLES, f"{name}.onnx")
        files = {path: bundle.read(graph.path)}
    else:
        path = Path(_BUNDLES, name)
        files = {path / MANIFEST_NAME: bundle.read_manifest()}
        files[path / graph.path] = bundle.read(graph.path)
    for file, data in files.items():
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        (target / file).write_bytes(data)
    return path.as_posix() + ("" if bundle.is_single_file else "/")


def _local_page(source: str) -> str:
    """Return the page that runs the bundle at `source` in the browser."""
    page = (PAGE_FOLDER / _PAGE).read_text(encoding="utf-8")
    policy = escape(content_security_policy(framed=True), quote=True).replace("&#x27;", "'")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}" />'
    body = f'<body data-backend="local" data-bundle="{escape(source)}">'
    return page.replace(_HEAD, f"{_HEAD}\n    {meta}").replace(_BODY, body)


def _service_worker(target: Path) -> str:
    """Return the script that keeps the files of the site for use without a network."""
    paths = sorted(path for path in target.rglob("*") if path.is_file())
    files = {path.relative_to(target).as_posix(): sha256_of(path) for path in paths}
    version = hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]
    site = json.dumps({"version": version, "files": ["./", *files]})
    script = (PAGE_FOLDER / "studio" / _WORKER).read_text(encoding="utf-8")
    return f"self.SITE = {site};\n{script}"
