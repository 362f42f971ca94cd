"""CPU time and memory of a program and all its descendants, as Linux counts them."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable

TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """Memory of a family of processes, in MiB.

    Attributes:
        together: the proportional share (PSS) of each, added up: what two of them share counts once.
        largest: the greatest resident size (RSS) that one of them ever had.

    """

    together: float
    largest: float


def family(roots: Iterable[int]) -> list[int]:
    """Give the processes and all their descendants, those that run."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, pending = [], [pid for pid in roots if _stat(pid)]
    while pending:
        found.append(pid := pending.pop())
        pending.extend(children.get(pid, ()))
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """Give the CPU time of processes, user and system, their ended and awaited children included."""
    return TICK * sum(sum(map(int, fields[11:15])) for pid in pids if (fields := _stat(pid)))


def machine_seconds() -> float:
    """Give the CPU time of all programs of this machine since it started; what a hypervisor took away counts too."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return TICK * (user + nice + system + irq + softirq + steal)


def memory(pids: Iterable[int]) -> Memory:
    """Look at the memory of processes now."""
    together = largest = 0
    for pid in pids:
        with suppress(OSError):  # it ended a moment ago
            together += _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")
            largest = max(largest, _kilobytes(Path(f"/proc/{pid}/status"), "VmHWM:"))
    return Memory(together / 1024, largest / 1024)


def send_all(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each process that still runs."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _kilobytes(path: Path, name: str) -> int:
    return next((int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(name)), 0)


def _stat(pid: int) -> list[str]:
    """Give the fields after the name in brackets: state, parent …; nothing of a process that ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return [] if fields[0] in "ZX" else fields
