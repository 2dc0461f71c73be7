"""The number of CPU cores that this process may use: its affinity and its container's quota."""

from __future__ import annotations

import math
import os
from pathlib import Path, PurePosixPath


def available_cpu_count() -> int:
    """Return the cores of the affinity mask, limited to the cgroup quota (rounded up), at least 1.

    onnxruntime reads the host's topology instead and starts too many threads in a container.
    Windows and macOS have neither: there it is `os.cpu_count()`.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    cores = affinity or os.cpu_count() or 1
    quota = cgroup_quota(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def cgroup_quota(membership: Path, root: Path) -> float | None:
    """Return the lowest CPU quota, in cores, of this process's control groups, or None.

    `membership` is a file like /proc/self/cgroup, `root` the mount point of the hierarchy.
    """
    try:
        lines = membership.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    quotas: list[float] = []
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        base = root if not controllers else root / "cpu"
        if controllers and "cpu" not in controllers.split(","):
            continue
        # In a container the path may be the host's; the mount point is then the group itself.
        group = PurePosixPath(path.lstrip("/"))
        for ancestor in (group, *group.parents):
            quotas += _read_quota(base / ancestor)
    return min(quotas, default=None)


def _read_quota(group: Path) -> list[float]:
    """Return the quota of one group as a list of one number, or an empty list."""
    try:
        if (group / "cpu.max").exists():  # cgroup version 2
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text().strip()
            period = (group / "cpu.cfs_period_us").read_text().strip()
        cores = int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return []  # "max", or no quota
    return [cores] if cores > 0 else []
