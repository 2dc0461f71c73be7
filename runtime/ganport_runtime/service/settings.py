"""What a service allows: where it listens, how much a request may ask for, who may ask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """The limits of one service; times are in seconds."""

    host: str = "127.0.0.1"
    port: int = 8000
    max_images: int = 256
    """Pictures that one request may ask for."""
    max_body: int = 16 << 20
    """Bytes of a request's body, pictures included."""
    max_pixels: int = 1 << 24
    """Of each uploaded picture, before it is decoded (4096 x 4096)."""
    max_queue: int = 4096
    """Pictures of each bundle that may wait to be drawn."""
    timeout: float = 30.0
    """For a request that names no time of its own, its body included."""
    max_timeout: float = 300.0
    """The longest time a request may name."""
    notice: float = 0.0
    """From saying that it is not ready to closing the door, when told to end."""
    drain: float = 30.0
    """For what is under way when the door is closed."""
    keys: tuple[str, ...] = ()
    """API keys, one of which a request must carry; none: everybody may ask."""
    origins: tuple[str, ...] = ()
    """Web origins whose pages may ask, "*" for all; none: no page of another origin."""

    @property
    def is_local(self) -> bool:
        """Whether only programs of the same machine can reach it."""
        return self.host in ("127.0.0.1", "localhost", "::1")
