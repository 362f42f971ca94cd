"""The servers to which is sent: Postfix's `smtp-sink`, and our own slow ones. They count what they took."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from helpers import tools
from helpers.ports import free_port, is_listening
from helpers.processes import await_that, end

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

ROOM = 1 << 20
"""Bytes of counts that may wait to be read: some ten thousand mails."""


class NoSinkError(Exception):
    """There is no server to send to."""


class Server:
    """A server that throws away what it takes. It says a new count with each message; the last one is the count.

    Attributes:
        port: where it listens, of the loopback interface.

    """

    def __init__(self) -> None:
        """Prepare it; `with` starts it."""
        self.port = free_port()
        self._count = 0

    def command(self) -> list[str]:
        """Give the program that serves."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def count(self) -> int:
        """Give how many messages were taken, until now."""
        said = b""
        while True:
            try:
                more = os.read(self._pipe, ROOM)
            except BlockingIOError:
                break
            if not more:
                raise NoSinkError(f"{self.command()[0]} ended in the middle of a round.")
            said = said[-100:] + more
        # Each count ends with a carriage return; the last piece may be half a one.
        whole = said.rpartition(b"\r")[0].rpartition(b"mesg=")[2]
        self._count = int(whole) if whole else self._count
        return self._count

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        self._pipe = self._process.stdout.fileno()
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, ROOM)
        os.set_blocking(self._pipe, False)
        if not await_that(lambda: is_listening(self.port), 10.0):
            self.__exit__(None, None, None)
            raise NoSinkError(f"{self.command()[0]} does not listen on port {self.port}.")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        end(self._process, 5.0)
        if self._process.stdout is not None:
            self._process.stdout.close()


class Sink(Server):
    """Postfix's `smtp-sink`."""

    def command(self) -> list[str]:
        """Find it; let it say its counts."""
        program = tools.find("smtp-sink")
        if program is None:
            raise NoSinkError("smtp-sink is missing: `python3 helpers/tools.py smtp-sink` installs it.")
        owner = ["-u", "root"] if os.geteuid() == 0 else []
        return [program, "-c", *owner, f"127.0.0.1:{self.port}", "200"]


class SlowSink(Server):
    """A mail server that answers late, so many milliseconds after the final dot."""

    def __init__(self, delay: int = 0, file: Path | None = None) -> None:
        """Prepare it; the file says in the end when each mail was answered."""
        super().__init__()
        self._delay = delay
        self._file = file

    def command(self) -> list[str]:
        """Start ours."""
        file = [str(self._file)] if self._file else []
        return [sys.executable, "-m", "benchmarks.servers", "smtp", str(self.port), str(self._delay), *file]


class Web(Server):
    """A web server that takes every message for Telegram and Slack."""

    def command(self) -> list[str]:
        """Start ours."""
        return [sys.executable, "-m", "benchmarks.servers", "http", str(self.port)]
