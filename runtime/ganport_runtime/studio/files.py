"""The files of the studio, and the headers that a server sends with them.

`page` holds the page: ES modules as they are written, without a build. The page imports modules of
the JavaScript package. A wheel contains them; a clone has them in `runtime/js`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_PACKAGE = Path(__file__).parent
PAGE_FOLDER = _PACKAGE / "page"
"""The root of the page: `index.html`, and the folder `studio` with everything that it loads."""
JS_PREFIX = "studio/js/src"
"""The folder in which the page expects the modules of the JavaScript package."""

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
    """Return the folder with the modules of the JavaScript package."""
    installed = _PACKAGE / "js" / "src"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "js" / "src"


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
