"""How many processes make sense here."""

import math
import os
from contextlib import suppress
from pathlib import Path

MOST = 64
"""Processes of one daemon."""

_CGROUP = Path("/sys/fs/cgroup")


def usable_cores(cgroup: Path = _CGROUP) -> int:
    """Give how many cores this process may use: those it is bound to, and no more than its container's share."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every platform
        cores = os.cpu_count() or 1
    quota = _quota(cgroup)
    if quota is not None:
        cores = min(cores, max(1, math.ceil(quota)))
    return min(cores, MOST)


def _quota(cgroup: Path) -> float | None:
    """Give how many cores' time a container gets, by control groups of version 2 or 1; nothing where no limit is."""
    with suppress(OSError, ValueError):
        quota, period = (cgroup / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError, ZeroDivisionError):
        microseconds = int((cgroup / "cpu" / "cpu.cfs_quota_us").read_text())
        return microseconds / int((cgroup / "cpu" / "cpu.cfs_period_us").read_text()) if microseconds > 0 else None
    return None
