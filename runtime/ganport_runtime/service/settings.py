"""The settings of a service: its address, its limits and its access rules."""

from __future__ import annotations

from dataclasses import dataclass

_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")


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

    @property
    def is_local(self) -> bool:
        """Return whether only programs on the same machine can reach the service."""
        return self.host in _LOCAL_HOSTS
