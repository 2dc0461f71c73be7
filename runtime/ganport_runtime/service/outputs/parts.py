"""Several files in one body: a stored zip, or the parts of a multipart message."""

from __future__ import annotations

import io
import secrets
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Encoded:
    """The body of an answer, its media type, and headers that belong to its form."""

    body: bytes
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A file among several, with headers of its own."""

    name: str
    media_type: str
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def zipped(parts: Sequence[Part]) -> Encoded:
    """The parts in one zip, stored: they are compressed already. No dates, so no two differ."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part in parts:
            archive.writestr(zipfile.ZipInfo(part.name), part.data)
    return Encoded(buffer.getvalue(), "application/zip")


def multipart(parts: Sequence[Part], kind: str) -> Encoded:
    """The parts as `multipart/KIND` (RFC 2046): "mixed", or "related" to the first (RFC 2387)."""
    boundary = secrets.token_hex(16)
    lines: list[bytes] = []
    for part in parts:
        lines += [f"--{boundary}\r\n{_head(part)}\r\n".encode(), part.data, b"\r\n"]
    lines.append(f"--{boundary}--\r\n".encode())
    related = f'; type="{parts[0].media_type}"' if kind == "related" else ""
    return Encoded(b"".join(lines), f"multipart/{kind}; boundary={boundary}{related}")


def _head(part: Part) -> str:
    headers = {
        "Content-Type": part.media_type,
        "Content-Disposition": f'attachment; filename="{part.name}"',
        "Content-Location": part.name,
        **part.headers,
    }
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())
