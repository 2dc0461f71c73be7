"""Tests of the local server: its own pages only, its own machine only, small requests."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import urllib.request
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from ganport_runtime.errors import RequestError
from ganport_train.pages.local_server import MAX_BODY, create_app, json_route, serve

STATIC = Path(str(resources.files("ganport_train.pages") / "static"))


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def client(client_of: Any, seen: list[Any]) -> Any:
    return client_of(create_app("tagger.html", [json_route("/api/echo", seen.append)]))


def test_request_of_the_own_page_is_answered(client: Any, seen: list[Any]) -> None:
    assert client.post("/api/echo", {"a": 1}).status_code == 200
    assert seen == [{"a": 1}]


@pytest.mark.parametrize(
    "origin",
    [None, "null", "http://evil.example", "http://127.0.0.1:9", "https://127.0.0.1:8000", ""],
)
def test_change_from_another_origin_is_refused(
    client: Any, seen: list[Any], origin: str | None
) -> None:
    headers = {} if origin is None else {"origin": origin}
    response = client.post("/api/echo", {}, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["place"] == "Origin"
    assert seen == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "0.0.0.0", "", "[::1]"])
@pytest.mark.parametrize("path", ["/", "/api/echo", "/static/tagger.js"])
def test_request_for_another_host_is_refused(client: Any, host: str, path: str) -> None:
    assert client.get(path, headers={"host": host}).status_code == 400


def test_change_for_another_host_is_refused_with_its_own_origin(
    client: Any, seen: list[Any]
) -> None:
    headers = {"host": "evil.example", "origin": "http://evil.example"}
    assert client.post("/api/echo", {}, headers=headers).status_code == 400
    assert seen == []


def test_request_for_localhost_is_answered(client: Any) -> None:
    assert client.get("/", headers={"host": "localhost:8000"}).status_code == 200


@pytest.mark.parametrize("size", [MAX_BODY + 1, 20 * MAX_BODY])
def test_body_above_the_limit_is_refused(client: Any, seen: list[Any], size: int) -> None:
    response = client.post("/api/echo", b" " * size)
    assert response.status_code == 400
    assert "at most 1 MiB" in response.json()["error"]["expected"]
    assert seen == []


def test_client_that_leaves_during_an_upload_changes_nothing(seen: list[Any]) -> None:
    app = create_app("tagger.html", [json_route("/api/echo", seen.append)])
    messages = [{"type": "http.request", "body": b"{}", "more_body": True}]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    own = [(b"host", b"127.0.0.1:1"), (b"origin", b"http://127.0.0.1:1")]
    scope = {"type": "http", "method": "POST", "path": "/api/echo", "headers": own}
    asyncio.run(app(scope | {"query_string": b""}, receive, send))
    assert sent[0]["status"] == 400
    assert seen == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"NaN "[:2]])
def test_body_without_json_is_refused(client: Any, seen: list[Any], body: bytes) -> None:
    assert client.post("/api/echo", body).status_code == 400
    assert seen == []


@pytest.mark.parametrize(
    "path",
    [
        "/static/../local_server.py",
        "/static/%2e%2e/local_server.py",
        "/static/..%2flocal_server.py",
        "/static/%2e%2e%5clocal_server.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/",
        "/etc/passwd",
        "/api/echo/..",
    ],
)
def test_path_outside_the_page_is_not_found(client: Any, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_method_is_refused(client: Any, method: str) -> None:
    assert client.request(method, "/api/echo").status_code in (400, 405)


def test_every_answer_forbids_other_hosts_and_inline_scripts(client: Any) -> None:
    for path in ("/", "/static/pages.css", "/missing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert re.findall(r"https?:|\*|data:", policy) == []
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("page", sorted(STATIC.glob("*.html")), ids=lambda page: page.name)
def test_page_has_no_inline_code_and_names_existing_files(client: Any, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", text) == []
    files = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert files
    assert [name for name in files if client.get(name).status_code != 200] == []


@pytest.mark.parametrize("module", sorted(STATIC.glob("*.js")), ids=lambda module: module.name)
def test_module_imports_existing_files_and_names_no_host(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    imported = re.findall(r'from "\./([^"]+)"', text)
    assert [name for name in imported if not (STATIC / name).is_file()] == []
    assert re.findall(r"https?://(?!www\.w3\.org/)|innerHTML|outerHTML|eval\(", text) == []


def test_port_in_use_is_named(client: Any) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RequestError, match=f"--port {port}"):
            serve(create_app("tagger.html", []), "page", port, open_browser=False)


def test_command_serves_on_loopback_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8), "red").save(tmp_path / "1.png")
    script = "from ganport_runtime.__main__ import ganport; ganport()"
    arguments = ["dataset", "tag", str(tmp_path), "--no-browser"]
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().rsplit(" ", 1)[1].strip()
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{url}api/state", timeout=30) as response:
            assert b"1.png" in response.read()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (0, "")
    finally:
        process.kill()
