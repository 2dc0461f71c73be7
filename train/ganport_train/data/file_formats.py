"""Which image files a dataset may have, by extension and by format, and which are not read."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module

from PIL import Image, _imaging, features

from ganport_train.data.issues import Issue, quote

FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
    "HEIF": (".heic", ".heif", ".hif"),
    "TGA": (".tga",),  # the last to try, because it has no signature
}
"""The extensions of each format, by its name in Pillow; the most common one first."""

_OTHER_FORMATS = (
    *(".psd", ".psb", ".xcf", ".kra", ".ora", ".clip", ".sai", ".sai2", ".ase", ".aseprite"),
    *(".afphoto", ".afdesign", ".procreate", ".mdp", ".pdn", ".psp", ".pspimage", ".xd", ".fig"),
    *(".svg", ".svgz", ".ai", ".eps", ".ps", ".pdf", ".cdr", ".emf", ".wmf", ".sketch", ".indd"),
    *(".exr", ".hdr", ".pfm", ".dds", ".ktx", ".ktx2", ".basis", ".astc", ".blp", ".vtf", ".ftex"),
    *(".jxl", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".jpm", ".jxr", ".wdp", ".hdp"),
    *(
        ".jng",
        ".mng",
        ".qoi",
        ".flif",
        ".bpg",
        ".heics",
        ".heifs",
        ".avifs",
        ".vda",
        ".icb",
        ".vst",
    ),
    *(".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".dng", ".raw", ".rw2"),
    *(".rwl", ".orf", ".raf", ".pef", ".srw", ".3fr", ".fff", ".iiq", ".mos", ".mrw", ".x3f"),
    *(".erf", ".mef", ".dcr", ".kdc", ".gpr", ".ico", ".icns", ".cur", ".ani", ".pcx", ".dcx"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".xbm", ".xpm", ".sgi", ".ras", ".wbmp", ".iff"),
    *(".lbm", ".ilbm", ".pict", ".pct", ".fits", ".fit", ".dcm", ".djvu", ".fli", ".flc", ".spr"),
    *(".mp4", ".m4v", ".mkv", ".webm", ".mov", ".avi", ".wmv", ".flv", ".mpg", ".mpeg", ".gifv"),
    *(".npy", ".npz"),
)
_PACKAGES = {"AVIF": "'pillow>=11.3'", "HEIF": "'ganport[heic]'"}


@cache
def readable_formats() -> tuple[str, ...]:
    """Return the formats that the installed libraries read, by their names in Pillow.

    The first call also ends the raw lines that the decoders print about damaged files.
    """
    _silence_decoders()
    with suppress(ImportError):  # an optional package, which adds HEIF to Pillow
        import_module("pillow_heif").register_heif_opener()
    Image.init()
    has_avif = "AVIF" in Image.OPEN and bool(features.check("avif"))
    return tuple(name for name in FORMATS if name in Image.OPEN and (has_avif or name != "AVIF"))


def is_image(name: str) -> bool:
    """Return whether a file name has the extension of an image that can be read."""
    return name.lower().endswith(_readable_extensions())


def has_image_extension(name: str) -> bool:
    """Return whether a file name has the extension of an image, of a format that is read or not."""
    return is_image(name) or _extension(name) in _unread_extensions()


def unread_images(names: Iterable[str]) -> list[Issue]:
    """Return a warning for each extension of image files that are not read, with their number."""
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        extension = _extension(name)
        if extension in _unread_extensions():
            groups.setdefault(extension, []).append(name)
    return [_unread(extension, files) for extension, files in groups.items()]


def several_frames(names: Sequence[str]) -> list[Issue]:
    """Return the warning about the images `names`, each of which has several frames."""
    if not names:
        return []
    found = f"several in {len(names):,} of them, such as {quote(names[0], 120)}"
    fix = "Only the first frame is read. Save the others as images of their own to use them."
    return [Issue("frames", "", "images with one frame", found, fix, level="warning")]


def _silence_decoders() -> None:
    """Let libtiff and Pillow print nothing to stderr: damaged files raise errors that we report.

    Only libtiff prints below Python. Its handlers are its own, so no other message is lost, unlike
    with a redirected stderr. A Pillow that hides the functions of libtiff keeps printing.
    """
    # Pillow's log messages pass to the handlers of a program, and without any to stderr.
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(_imaging.__file__)
        for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            set_handler = getattr(library, name)
            set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
            set_handler(None)


def _extension(name: str) -> str:
    _, dot, extension = name.rpartition("/")[2].rpartition(".")
    return dot + extension.lower() if dot else ""


def _unread(extension: str, files: Sequence[str]) -> Issue:
    count = f"{len(files):,} file{'' if len(files) == 1 else 's'}"
    missing = [name for name, extensions in FORMATS.items() if extension in extensions]
    # Each extension has its own text, since a report merges issues with the same fix.
    fix = f"Files in {extension} are not read. Save them as PNG to use them."
    if missing:
        package = _PACKAGES[missing[0]]
        fix = f"Files in {extension} are not read. Save them as PNG, or run: pip install {package}"
    found = f"{count} with the extension {extension}, such as {quote(files[0], 120)}"
    expected = f"images in {', '.join(readable_formats())}"
    return Issue("unread", "", expected, found, fix, level="warning")


@cache
def _readable_extensions() -> tuple[str, ...]:
    return tuple(extension for name in readable_formats() for extension in FORMATS[name])


@cache
def _unread_extensions() -> frozenset[str]:
    known = {extension for extensions in FORMATS.values() for extension in extensions}
    return frozenset({*known, *_OTHER_FORMATS} - {*_readable_extensions()})
