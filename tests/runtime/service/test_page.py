"""The page of the service: its files, its headers, and what it may do without a key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganport_runtime.service.app import create_app
from ganport_runtime.service.registry import ModelRegistry
from ganport_runtime.service.settings import Settings
from ganport_runtime.studio.files import PAGE_FOLDER, js_folder

IMPORT = re.compile(r'^(?:import|export)\b[^;]*?"(\.[^"]+)"', re.MULTILINE | re.DOTALL)
LINK = re.compile(r'(?:src|href)="([^"]+)"')


def loaded_paths(page: str) -> Iterator[str]:
    """Yield the address of every file that the page loads, and what those import."""
    pending = [Path(f"/{link}") for link in LINK.findall(page)]
    seen: set[Path] = set()
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        yield path.as_posix()
        if path.suffix == ".js":
            pending += [
                Path("/", *resolve(path.parent / name)) for name in IMPORT.findall(read(path))
            ]


def resolve(path: Path) -> list[str]:
    parts: list[str] = []
    for part in path.parts[1:]:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return parts


def read(path: Path) -> str:
    parts = path.parts[1:]
    if parts[:3] == ("studio", "js", "dist"):
        return js_folder().joinpath(*parts[3:]).read_text(encoding="utf-8")
    return PAGE_FOLDER.joinpath(*parts).read_text(encoding="utf-8")


def test_every_file_that_the_page_loads_is_served(client: Any) -> None:
    page = client("GET", "/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    paths = list(loaded_paths(page.text))
    assert "/studio/js/dist/ganport.js" in paths and "/studio/gif.js" in paths
    for path in paths:
        assert client("GET", path).status_code == 200, path


def test_page_files_have_a_strict_policy(client: Any) -> None:
    for path in ("/", "/studio/main.js", "/studio/js/dist/ganport.js"):
        headers = client("GET", path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';")
        assert "unsafe-inline" not in policy and "http" not in policy
        assert policy.endswith("frame-ancestors 'none'")
        assert headers["x-content-type-options"] == "nosniff"


def test_page_has_no_inline_script_and_no_other_host() -> None:
    page = (PAGE_FOLDER / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"\b(?:style|on\w+)=", page) == []
    for file in (PAGE_FOLDER / "studio").iterdir():
        addresses = re.findall(r"https?://[^\s\"']+", file.read_text(encoding="utf-8"))
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}, file


@pytest.mark.parametrize(
    "path", ["/studio/", "/studio/nothing.js", "/studio/../files.py", "/studio/%2e%2e/files.py"]
)
def test_path_without_a_file_returns_404_in_the_form_of_the_service(client: Any, path: str) -> None:
    response = client("GET", path)
    assert response.status_code == 404
    assert response.json()["error"]["status"] == 404


def test_unchanged_file_is_not_sent_again(client: Any) -> None:
    etag = client("GET", "/studio/main.js").headers["etag"]
    response = client("GET", "/studio/main.js", headers={"If-None-Match": etag})
    assert (response.status_code, response.content) == (304, b"")


def test_page_needs_no_key_and_its_images_do(registry: ModelRegistry, make_client: Any) -> None:
    client = make_client(create_app(registry, Settings(keys=("secret",))))
    assert client("GET", "/").status_code == 200
    assert client("GET", "/studio/main.js").status_code == 200
    assert client("GET", "/studiofiles").status_code == 401
    assert client("GET", "/v1/bundles").status_code == 401
    assert client("GET", "/v1/bundles", headers={"X-API-Key": "secret"}).status_code == 200


def test_service_without_page_returns_404(registry: ModelRegistry, make_client: Any) -> None:
    client = make_client(create_app(registry, Settings(page=False)))
    assert client("GET", "/").status_code == 404
    assert client("GET", "/studio/main.js").status_code == 404
    assert "/" not in client("GET", "/openapi.json").json()["paths"]
