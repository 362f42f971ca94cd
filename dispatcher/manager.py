"""The service manager that started us, systemd as a rule: it is told how the daemon is doing, by sd_notify(3).

Lines `NAME=value` in a datagram to the socket that NOTIFY_SOCKET names: that is all, and promised to stay so (systemd's
Interface Portability and Stability). A library would be longer than what it saves, and libsystemd is not everywhere.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Mapping, MutableMapping
from typing import Self

LONGEST_STATUS = 2_000
"""Bytes: systemd ignores a datagram of more than 4096 (NOTIFY_BUFFER_MAX)."""

_AGAIN = 1.0
"""Seconds until it is told again what it had no room for."""

_SOCKET = "NOTIFY_SOCKET"
_USEC = "WATCHDOG_USEC"
_PID = "WATCHDOG_PID"

log = logging.getLogger(__name__)


def is_there(environ: Mapping[str, str]) -> bool:
    """Tell whether a service manager wants to hear of us."""
    return bool(environ.get(_SOCKET))


class ServiceManager:
    """Who started us, and is told; where nobody is, nothing happens.

    Args:
        address: of its socket; one that begins with `@` is abstract, and has no file.
        watchdog: seconds within which it wants to hear that we live, again and again; `0` where it does not.

    Attributes:
        ready: it was told that we serve.

    """

    def __init__(self, address: str | None, watchdog: float = 0.0) -> None:
        self.ready = False
        self._address = address.replace("@", "\0", 1) if address and address.startswith("@") else address
        self._watchdog = watchdog
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address else None
        self._unsaid: list[bytes] = []
        self._status = ""
        self._stopping = False

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> Self:
        """Take it out of the environment, so that no process that we start believes it to be its own."""
        address, usec, pid = (environ.pop(name, "") for name in (_SOCKET, _USEC, _PID))
        ours = pid in {"", str(os.getpid())} and usec.isdecimal()
        return cls(address or None, int(usec) / 1_000_000 if ours else 0.0)

    def say_ready(self) -> None:
        """Say that we serve: once."""
        if not self.ready:
            self.ready = True
            self._say("READY=1")

    def say_reloading(self) -> None:
        """Say that settings are read anew, until `say_reloaded`."""
        if self.ready and not self._stopping:
            # The time tells `Type=notify-reload` that this answers its own signal (systemd 253).
            self._say("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000}")

    def say_reloaded(self) -> None:
        """Say that it is over, however it went."""
        if self.ready and not self._stopping:
            self._say("READY=1")

    def say_stopping(self, within: float) -> None:
        """Say that we end, and that we are heard of again within so many seconds: until then nobody is to be killed."""
        first = [] if self._stopping else ["STOPPING=1"]
        self._stopping = True
        self._say(*first, f"EXTEND_TIMEOUT_USEC={round(within * 1_000_000)}")

    def say_status(self, sentence: str) -> None:
        """Say how we are doing, for people, if that is news."""
        status = sentence.replace("\n", " ").encode()[:LONGEST_STATUS].decode(errors="ignore")
        if status != self._status:
            self._status = status
            self._say(f"STATUS={status}")

    async def keep_told(self) -> None:
        """Say that we live, twice as often as the watchdog wants it: from the event loop, which is what may hang."""
        while self._socket is not None:
            self._say(*["WATCHDOG=1"] if self._watchdog and not self._unsaid else [])
            await asyncio.sleep(self._watchdog / 2 or _AGAIN)

    def close(self) -> None:
        """Say no more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self._unsaid.clear()

    def _say(self, *lines: str) -> None:
        """Say it, after what it had no room for before; never wait for it. To nobody, nothing is kept to be said."""
        if self._socket is None:
            return
        if lines:
            self._unsaid.append("\n".join(lines).encode())
        try:
            while self._unsaid and self._address is not None:
                self._socket.sendto(self._unsaid[0], socket.MSG_DONTWAIT, self._address)
                del self._unsaid[0]
        except BlockingIOError:
            pass
        except OSError as error:
            why = error.strerror or str(error)  # of a path that is too long there is no more
            log.warning("the service manager cannot be told how the daemon is doing: %s", why)
            self.close()
