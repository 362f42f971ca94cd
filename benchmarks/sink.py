"""Postfix's `smtp-sink`, which counts the mails that it took."""

from __future__ import annotations

import fcntl
import os
import subprocess
from typing import TYPE_CHECKING

from helpers.ports import free_port, is_listening
from helpers.postfix import smtp_sink
from helpers.processes import await_that

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

ROOM = 1 << 20
"""Bytes of counts that may wait to be read: some ten thousand mails."""


class NoSinkError(Exception):
    """There is no mail server to send to."""


class Sink:
    """A mail server that throws away what it takes. It says a new count with each mail; the last one is the count.

    Attributes:
        port: where it listens, of the loopback interface.
        pid: its process.

    """

    def __init__(self) -> None:
        """Prepare it; `with` starts it."""
        self.port = free_port()
        self._count = 0

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def count(self) -> int:
        """Give how many mails were taken, until now."""
        said = b""
        while True:
            try:
                more = os.read(self._pipe, ROOM)
            except BlockingIOError:
                break
            if not more:
                raise NoSinkError("smtp-sink ended in the middle of a round.")
            said = said[-100:] + more
        if said:
            # Each count ends with a carriage return; the last piece may be half a one.
            whole = said.rpartition(b"\r")[0].rpartition(b"mesg=")[2]
            self._count = int(whole) if whole else self._count
        return self._count

    def __enter__(self) -> Self:
        program = smtp_sink()
        if program is None:
            raise NoSinkError("smtp-sink is missing: `python3 helpers/postfix.py` installs it.")
        owner = ["-u", "root"] if os.geteuid() == 0 else []
        command = [program, "-c", *owner, f"127.0.0.1:{self.port}", "200"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        self._pipe = self._process.stdout.fileno()
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, ROOM)
        os.set_blocking(self._pipe, False)
        if not await_that(lambda: is_listening(self.port), 5.0):
            self.__exit__(None, None, None)
            raise NoSinkError(f"smtp-sink does not listen on port {self.port}.")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
