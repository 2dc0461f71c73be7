"""The files of the studio, and the headers that a server sends with them.

`page` holds the page: ES modules as they are written. The page imports the JavaScript package, of
which `runtime/js/dist` holds two built files. A wheel contains them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from ganport_runtime.errors import MissingExtraError

_PACKAGE = Path(__file__).parent
PAGE_FOLDER = _PACKAGE / "page"
"""The root of the page: `index.html`, and the folder `studio` with everything that it loads."""
JS_PREFIX = "studio/js/dist"
"""The folder in which the page expects the JavaScript package."""
JS_FILES = ("ganport.js", "worker.js")

RUNTIME_PREFIX = "studio/ort"
"""The folder in which the page expects onnxruntime-web."""
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
_RUNTIME_PACKAGE = "ganport_onnxruntime_web"

_POLICY: Mapping[str, str] = {
    "default-src": "'none'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
}
"""No inline script, and no request to another host."""


def js_folder() -> Path:
    """Return the folder with `JS_FILES`."""
    installed = _PACKAGE / "js" / "dist"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "js" / "dist"


def runtime_folder() -> Path | None:
    """Return the folder with `RUNTIME_FILES`: of its package, or of npm in a clone; or None."""
    spec = find_spec(_RUNTIME_PACKAGE)
    folders = [Path(spec.origin).parent] if spec and spec.origin else []
    folders.append(_PACKAGE.parents[1] / "js" / "node_modules" / "onnxruntime-web" / "dist")
    for folder in folders:
        if all((folder / name).is_file() for name in RUNTIME_FILES):
            return folder
    return None


def require_runtime() -> Path:
    """Return the folder with `RUNTIME_FILES`; raise `MissingExtraError` if there is none."""
    folder = runtime_folder()
    if folder is None:
        raise MissingExtraError.for_packages("studio", _RUNTIME_PACKAGE)
    return folder


def content_security_policy(*, framed: bool) -> str:
    """Return the policy; `framed`: other pages may show this one in a frame.

    A policy in a `meta` element cannot forbid frames.
    """
    parts = [f"{name} {sources}" for name, sources in _POLICY.items()]
    return "; ".join(parts if framed else [*parts, "frame-ancestors 'none'"])


def response_headers() -> dict[str, str]:
    """Return the headers of every file that a server sends."""
    return {
        "Cache-Control": "no-cache",  # a browser asks whether its copy is current
        "Content-Security-Policy": content_security_policy(framed=False),
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
