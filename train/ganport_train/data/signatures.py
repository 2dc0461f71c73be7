"""Image files that have no extension of an image, found by their first bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ganport_train.data.file_formats import FORMATS, has_image_extension
from ganport_train.data.issues import EntryError, Issue, quote

SIGNATURE_SIZE = 18
"""Bytes that tell the format of an image."""

# Common files next to images. They are not opened, since a dataset may have one for each image.
_TEXTS = (
    *(".txt", ".csv", ".tsv", ".json", ".jsonl", ".md", ".rst", ".html", ".htm", ".xml", ".log"),
    *(".yaml", ".yml", ".toml", ".ini", ".cfg", ".py", ".ipynb", ".js", ".sh", ".bat", ".bak"),
    *(".caption", ".tags", ".zip", ".gz", ".xmp", ".pkl", ".parquet", ".arrow", ".pt", ".pth"),
)
_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"mif1", b"msf1"), "HEIF"),
}
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # bytes


def detect_format(start: bytes) -> str | None:
    """Return the image format that a file of these first bytes has, or None."""
    for signature, name in _STARTS:
        if start.startswith(signature):
            return name
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "WebP"
    if start[4:8] == b"ftyp":
        return _BRANDS.get(start[8:12])
    # Two letters alone may begin a text, so the size of the header is checked as well.
    header = int.from_bytes(start[14:18], "little")
    return "BMP" if start.startswith(b"BM") and header in _BMP_HEADERS else None


def misnamed_images(names: Iterable[str], read_start: Callable[[str, int], bytes]) -> list[Issue]:
    """Return a warning for each format of the images without the extension of one.

    `read_start` returns the first bytes of a file, at most the given number, or raises
    `EntryError`.
    """
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        if has_image_extension(name) or name.lower().endswith(_TEXTS):
            continue
        try:
            kind = detect_format(read_start(name, SIGNATURE_SIZE))
        except EntryError:
            continue  # an unreadable file shows no image
        if kind is not None:
            groups.setdefault(kind, []).append(name)
    return [_misnamed(kind, files) for kind, files in groups.items()]


def _misnamed(kind: str, files: list[str]) -> Issue:
    count = f"{len(files):,} {kind} file{'' if len(files) == 1 else 's'}"
    found = f"{count} without, such as {quote(files[0], 120)}"
    fix = f"They are not read. Rename them to end in {FORMATS[kind.upper()][0]} to use them."
    expected = "image files with an extension such as .png"
    return Issue("unread", "", expected, found, fix, level="warning")
