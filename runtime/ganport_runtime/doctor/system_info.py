"""What the doctor knows of a machine: plain values, gathered apart from any judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Processor:
    """The CPU, and how much of it this process may use."""

    name: str
    cores: int
    """Cores of the machine."""
    usable: int
    """Cores by affinity and quota, which is how many threads draw."""
    quota: float | None = None
    """Cores that the control groups allow, if they limit them."""
    features: tuple[str, ...] = ()
    """The vector and matrix extensions, as Linux spells them."""


@dataclass(frozen=True)
class Driver:
    """The NVIDIA driver and its GPUs."""

    version: str = ""
    """Such as "580.65.06"; empty when nvidia-smi did not say."""
    cuda: tuple[int, int] | None = None
    """The newest CUDA that it speaks."""
    gpus: tuple[str, ...] = ()
    visible: str | None = None
    """CUDA_VISIBLE_DEVICES, if it is set."""
    error: str = ""
    """What nvidia-smi said instead of listing GPUs."""

    @property
    def usable(self) -> int:
        """How many GPUs CUDA will count from 0 in this process."""
        if self.visible is None:
            return len(self.gpus)
        # CUDA stops at the first entry that names no GPU.
        entries = [entry.strip() for entry in self.visible.split(",")]
        end = next((i for i, entry in enumerate(entries) if entry in ("", "-1")), len(entries))
        return min(end, len(self.gpus))


@dataclass(frozen=True)
class Trial:
    """What came of drawing with a tiny graph on one device."""

    device: str
    milliseconds: float = 0.0
    """Of a run when warm."""
    error: str = ""
    """Why it did not draw; empty when it did."""
    fix: str = ""
    missing: tuple[str, ...] = ()
    """Libraries that this device needs and the system cannot load."""


@dataclass(frozen=True)
class Facts:
    """Everything that the checks judge."""

    python: str
    system: str
    processor: Processor
    packages: Mapping[str, str] = field(default_factory=dict)
    """The version of every installed distribution that matters here."""
    lacking: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The requirements of each extra that are not met."""
    driver: Driver | None = None
    cuda_needed: int | None = None
    """Major version of the CUDA that the installed onnxruntime was built for."""
    trials: tuple[Trial, ...] = ()
