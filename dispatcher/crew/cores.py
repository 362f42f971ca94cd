"""How many processes make sense here."""

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MOST = 64
"""Processes of one daemon."""

_CGROUP = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def usable_cores(cgroup: Path = _CGROUP, membership: Path = _MEMBERSHIP) -> int:
    """Give how many cores this process may use: those it is bound to, and no more than its control groups allow.

    Args:
        cgroup: where control groups are mounted.
        membership: which of them this process is in, as cgroups(7) has it.

    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every platform
        cores = os.cpu_count() or 1
    quotas = [quota for folder in _folders(cgroup, membership) if (quota := _quota(folder)) is not None]
    return min(cores, MOST, *(max(1, math.ceil(quota)) for quota in quotas))


def _folders(cgroup: Path, membership: Path) -> Iterator[Path]:
    """Give each control group that this process is in, from the outermost on: a limit holds for all that is below it.

    A container sees its own as the outermost. A service of systemd sees all of them, and only its membership tells
    which is its own.
    """
    paths = [(cgroup, "/"), (cgroup / "cpu", "/")]  # version 2, version 1
    with suppress(OSError, ValueError):
        for line in membership.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                paths.append((cgroup, path))
            elif "cpu" in controllers.split(","):
                paths.append((cgroup / "cpu", path))
    for folder, path in paths:
        yield folder
        for name in path.strip("/").split("/"):
            folder /= name  # noqa: PLW2901 - one further down
            yield folder


def _quota(folder: Path) -> float | None:
    """Give how many cores' time a control group gets, of version 2 or 1; nothing where no limit is."""
    with suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError, ZeroDivisionError):
        microseconds = int((folder / "cpu.cfs_quota_us").read_text())
        return microseconds / int((folder / "cpu.cfs_period_us").read_text()) if microseconds > 0 else None
    return None
