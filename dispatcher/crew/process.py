"""One member, as the lead sees it."""

import asyncio
import logging
import signal
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Self

from dispatcher.crew.plan import Seat, program
from dispatcher.crew.wire import HURRY, LONGEST_LINE, STOP, Report

REFUSED = 2
"""Exit code of a daemon that cannot start, whatever is tried."""

SILENCE = 10.0
"""After so many seconds a member that says nothing hangs, or was stopped."""

HANGS = 60
"""After so many looks of the lead in a row, one a second, at which it had said nothing, it is ended."""

MERCY = 5
"""So many more it has to say where it hangs (PYTHONFAULTHANDLER), before it is killed."""

log = logging.getLogger(__name__)


class MemberProcess:
    """A process that takes messages, from its start to its end.

    Attributes:
        number: which one it is, from 1; it lasts, whoever has the seat.
        report: the last that it said.
        asked: it was told to stop.

    """

    def __init__(self, number: int, process: Process, wire: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self.number = number
        self.report = Report()
        self.asked = False
        self._process = process
        self._reader, self._writer = wire
        self._began = self._heard_at = monotonic()
        self._unheard = 0
        self._up = asyncio.Event()
        self._ending: asyncio.Task[int]

    @classmethod
    async def start(cls, number: int, of: int, config: Path | None, heard: Callable[[], None]) -> Self:
        """Start one.

        Args:
            number: which one it is.
            of: how many there are.
            config: the configuration, where one was named.
            heard: called at each of its reports.

        Raises:
            OSError: it cannot be started.

        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                seat = Seat(number, of, theirs.fileno())
                # In a session of its own: Ctrl-C in a terminal is for the lead, which tells it on the wire.
                process = await asyncio.create_subprocess_exec(
                    *program("run", "--member", str(seat), config=config),
                    stdin=DEVNULL,
                    pass_fds=(seat.wire,),
                    start_new_session=True,
                )
            except BaseException:
                ours.close()
                raise
        started = cls(number, process, await asyncio.open_unix_connection(sock=ours, limit=LONGEST_LINE))
        started._ending = asyncio.create_task(started._follow(heard))
        return started

    @property
    def lived(self) -> float:
        """How long ago it was started, in seconds."""
        return monotonic() - self._began

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return not self._ending.done()

    async def up(self) -> bool:
        """Wait until it takes messages, or has ended; tell whether it takes any."""
        coming = asyncio.create_task(self._up.wait())
        await asyncio.wait({coming, self._ending}, return_when=asyncio.FIRST_COMPLETED)
        coming.cancel()
        return self.running and self.report.up

    async def ended(self) -> int:
        """Wait for its end; give its exit code, or a signal's number with a minus."""
        return await asyncio.shield(self._ending)

    def refuses(self, code: int) -> bool:
        """Tell whether it ended because there is no sense in starting it again."""
        return code == REFUSED and not self.report.up

    def stop(self) -> None:
        """Ask it to finish what is in hand, and to end."""
        self.asked = True
        self._say(STOP)

    def hurry(self) -> None:
        """Ask it not to wait for what is in hand."""
        self._say(HURRY)

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self._process.kill()

    def look(self) -> None:
        """See whether it has said anything lately; end it where it has not for too long: its event loop hangs.

        Looks are counted, not seconds: while the whole daemon stands still, a member has nobody to say anything to.
        """
        self._unheard += 1
        if self._unheard == HANGS:
            log.error("process %d has said nothing for %d s: it hangs, and is ended", self.number, HANGS)
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGABRT)
        elif self._unheard > HANGS + MERCY:
            self.kill()

    def _say(self, line: bytes) -> None:
        """Say something, if it can still be heard: who has closed the wire may take a while to end."""
        if not self._writer.is_closing():  # uvloop raises otherwise
            self._writer.write(line)

    @property
    def silent(self) -> bool:
        """Whether it has not said anything for so long that nobody knows how it is doing."""
        return monotonic() - self._heard_at > SILENCE

    async def _follow(self, heard: Callable[[], None]) -> int:
        """Take its reports, until the last one, and its exit code."""
        with suppress(OSError):
            while line := await self._reader.readline():
                self._take(line)
                heard()
        code = await self._process.wait()
        self._writer.close()
        return code

    def _take(self, line: bytes) -> None:
        try:
            report = Report.read(line)
        except ValueError:
            log.exception("process %d said what is no report, which must not happen", self.number)
            return
        # Why it could not start is all that such a member says; what it said before stays true.
        self.report = report
        self._heard_at = monotonic()
        self._unheard = 0
        if report.up:
            self._up.set()


def how_it_ended(code: int) -> str:
    """Say what an exit code means."""
    if code >= 0:
        return f"ended by itself, with exit code {code}"
    with suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"
