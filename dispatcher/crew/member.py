"""The member: a daemon like any other, but that it reports to the lead and is told by it when to stop."""

import asyncio
import logging
import signal
import socket
from contextlib import suppress
from itertools import count

from dispatcher.crew.plan import Seat
from dispatcher.crew.share import share
from dispatcher.crew.wire import HURRY, LONGEST_LINE, STOP, Report
from dispatcher.service import SIGNALS, Dispatcher
from dispatcher.settings import HealthSettings, Settings
from dispatcher.words.errors import DispatcherError

EVERY = 1.0
"""Seconds between two reports."""

STILL = 3
"""After so many times in which there was nothing new, it is said all the same: that it is still there."""

FAREWELL = 2.0
"""Seconds for the last one to be taken."""

log = logging.getLogger(__name__)


class Member:
    """One member.

    Args:
        settings: those of the whole daemon.
        seat: which one it is.

    """

    def __init__(self, settings: Settings, seat: Seat) -> None:
        self._settings = _own(settings, seat)
        self._seat = seat
        self._dispatcher: Dispatcher | None = None
        self._stopped = False
        self._last = b""

    async def run(self) -> bool:
        """Serve until the lead says so, or is gone, or a signal asks for it.

        Returns:
            whether everything in hand was finished in time.

        Raises:
            SystemExit: it could not start; the lead says why.

        """
        wire = socket.socket(fileno=self._seat.wire)
        reader, writer = await asyncio.open_unix_connection(sock=wire, limit=LONGEST_LINE)
        loop = asyncio.get_running_loop()
        for number in SIGNALS:  # the lead gets them too, and says the rest: nothing is hurried here
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
        try:
            self._dispatcher = Dispatcher(self._settings, on_ready=lambda: self._ready(writer))
            helpers = [asyncio.create_task(self._obey(reader)), asyncio.create_task(self._report(writer))]
            try:
                return await self._dispatcher.run()
            finally:
                for helper in helpers:
                    helper.cancel()
                await _deliver(writer, self._now().written())
        except DispatcherError as error:
            await _deliver(writer, Report(refused=str(error)).written())
            raise SystemExit(2) from error
        finally:
            writer.close()

    def _stop(self) -> None:
        """Ask the daemon to drain, once: a whole group of processes may get a signal that the lead passes on too."""
        if not self._stopped and self._dispatcher is not None:
            self._stopped = True
            self._dispatcher.stop()

    async def _obey(self, reader: asyncio.StreamReader) -> None:
        """Do what the lead says. A lead that is gone can say nothing: what is in hand is finished."""
        with suppress(OSError):
            while line := await reader.readline():
                if line == STOP:
                    self._stop()
                elif line == HURRY and self._dispatcher is not None:
                    self._stop()
                    self._dispatcher.stop()
        if not self._stopped:
            log.warning("the lead of this daemon is gone, and so this process ends: it finishes what is in hand")
        self._stop()

    async def _report(self, writer: asyncio.StreamWriter) -> None:
        for turn in count():
            if writer.is_closing():
                return
            if turn % STILL == 0:
                self._last = b""
            self._say(writer)
            await asyncio.sleep(EVERY)

    def _say(self, writer: asyncio.StreamWriter) -> None:
        """Report if something is new; not while the lead has not even taken the last report, or is gone."""
        if writer.is_closing():
            return
        report = self._now().written()
        if report != self._last and not writer.transport.get_write_buffer_size():
            self._last = report
            writer.write(report)

    def _ready(self, writer: asyncio.StreamWriter) -> None:
        log.info("process %d of %d takes messages", self._seat.number, self._seat.of)
        self._say(writer)

    def _now(self) -> Report:
        assert self._dispatcher is not None  # noqa: S101 - it is made before anybody asks
        return Report(self._dispatcher.up, self._dispatcher.health, self._dispatcher.figures)


async def _deliver(writer: asyncio.StreamWriter, line: bytes) -> None:
    """Have the last words taken, if anybody is there to take them."""
    if writer.is_closing():  # uvloop raises otherwise, and that would hide how it ended
        return
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(FAREWELL):
            writer.write(line)
            await writer.drain()


def refuse(seat: Seat, error: DispatcherError) -> None:
    """Tell the lead why this member cannot even begin."""
    with suppress(OSError), socket.socket(fileno=seat.wire) as wire:
        wire.sendall(Report(refused=str(error)).written())


def _own(settings: Settings, seat: Seat) -> Settings:
    """Give the settings of one member: its share, and no page of its own."""
    service = settings.service.model_copy(update={"health": HealthSettings(port=0)})
    return share(settings, seat.number, seat.of).model_copy(update={"service": service})
