"""Processes that may outlive the program that started them: recognised again, and ended, never confused.

A process id is given again to another process after a while. What was started once is therefore remembered as id *and*
time of start, and only what has both is ours to end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSE = 0.02


class Identity(NamedTuple):
    """A process, told apart from every other that had or will have its id."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Identity:
        """Look at a process that runs now."""
        return cls(pid, _started(pid))

    def runs(self) -> bool:
        """Tell whether it still runs: a zombie does not."""
        return bool(self.started) and _started(self.pid) == self.started

    def end(self, patience: float = 30.0, *, at_once: bool = False) -> None:
        """Ask it to end, and make it end when it does not; or kill it at once."""
        steps = [(signal.SIGKILL, 5.0)] if at_once else [(signal.SIGTERM, patience), (signal.SIGKILL, 5.0)]
        for number, seconds in steps:
            if self.runs():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, number)
                await_that(lambda: not self.runs(), seconds)


def await_that(condition: Callable[[], bool], timeout: float) -> bool:
    """Wait until the condition holds; tell whether it did in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True


def end(process: subprocess.Popen, patience: float = 30.0) -> None:
    """End a child of ours: asked first, made to when it takes too long."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def _started(pid: int) -> str:
    """Give the time of start of a process in some form, or nothing where it does not run."""
    if not Path("/proc/self/stat").exists():
        listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return listed.stdout.strip()
    try:
        # The name in brackets may hold anything; after it: state, parent, … and the start as the 20th field.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
