"""The settings of a service: its address, its limits, its access rules and its API keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ganport_runtime.errors import RequestError
from ganport_runtime.files import read_lines

KEYS_VARIABLE = "GANPORT_API_KEYS"
"""The environment variable that holds API keys."""
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable with the folder in which the worker processes share metrics."""
MAX_JSON_BYTES = 1 << 20
"""Bytes of JSON in a request without its images and tensors."""
MAX_JSON_ELEMENTS = 1 << 15
"""Values in the JSON of a request without its tensors."""
_MONITOR_PATHS = frozenset({"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"})
_ALLOWED_KEYS = "keys of printable ASCII characters without spaces"
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
"""Names that reach a local service without a name server."""


@dataclass(frozen=True)
class Settings:
    """The settings of one service; all times are in seconds."""

    host: str = "127.0.0.1"
    """Address to listen at."""
    port: int = 8000
    """Port to listen at; 0 for any free port."""
    max_images: int = 256
    """Images per request."""
    max_body: int = 16 << 20
    """Bytes of a request body, uploaded images included."""
    max_pixels: int = 1 << 24
    """Pixels of one uploaded image (4096 x 4096), checked before it is decoded."""
    max_queue: int = 4096
    """Waiting images per bundle."""
    timeout: float = 30.0
    """Time limit of a request that names none, upload included."""
    max_timeout: float = 300.0
    """Longest time limit that a request may name."""
    shutdown_delay: float = 0.0
    """Time between a stop signal, which makes the service not ready, and the shutdown."""
    shutdown_timeout: float = 30.0
    """Time that open requests get to finish during the shutdown."""
    keys: tuple[str, ...] = ()
    """API keys; a request must carry one of them. No keys: every request is accepted."""
    origins: tuple[str, ...] = ()
    """Web origins whose pages may call the service, "*" for all; empty for none."""

    max_receiving: int = 64 << 20
    """Bytes of all request bodies above 64 KiB in memory, per process."""
    max_sending: int = 64 << 20
    """Bytes of all responses that clients have not taken, per process."""
    max_connections: int = 800
    """Open connections per process."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names that the `Host` header of a request may have."""

    public_metrics: bool = False
    """Whether `/metrics` needs no key."""
    page: bool = True
    """Whether `/` shows the studio, a page that generates images."""
    access_log: str | None = None
    """The form of the access log, `text` or `json`, or None."""

    @property
    def public_paths(self) -> frozenset[str]:
        """Return the paths that need no API key, such as those of process monitors.

        The page holds no secret, and asks its user for the key.
        """
        metrics = {"/metrics"} if self.public_metrics else set()
        return _MONITOR_PATHS | metrics | ({"/"} if self.page else set())

    @property
    def public_prefixes(self) -> tuple[str, ...]:
        """Return the starts of further paths that need no API key."""
        return ("/studio/",) if self.page else ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the names that a `Host` header may have; empty for any.

        Any page can point a name of its own to this machine (DNS rebinding), so a local service
        accepts only local names.
        """
        return (*_LOCAL_NAMES, *self.allowed_hosts) if self.is_local else self.allowed_hosts

    @property
    def is_local(self) -> bool:
        """Return whether only programs on the same machine can reach the service."""
        return self.host in _LOCAL_HOSTS


def load_api_keys(environment: Mapping[str, str], file: Path | None) -> tuple[str, ...]:
    """Return the API keys of the environment and of a file.

    The variable GANPORT_API_KEYS separates keys with commas. A file has one key per line; lines
    that start with # are comments. Raises `RequestError` for a source without keys, because a
    lost key list must not open the service.
    """
    keys: list[str] = []
    if KEYS_VARIABLE in environment:
        keys += _check_keys(KEYS_VARIABLE, environment[KEYS_VARIABLE].split(","))
    if file is not None:
        lines = read_lines(file, "key")
        keys += _check_keys(str(file), [line for line in lines if not line.startswith("#")])
    return tuple(keys)


def _check_keys(place: str, entries: Iterable[str]) -> list[str]:
    keys = [entry.strip() for entry in entries if entry.strip()]
    if not keys:
        raise RequestError(place, "at least one key", "none", "Add a key or remove the option.")
    for key in keys:
        if not all("!" <= character <= "~" for character in key):
            # The message must not contain the key, because it may reach a log.
            raise RequestError(place, _ALLOWED_KEYS, "another character", "Create a new key.")
    return keys
