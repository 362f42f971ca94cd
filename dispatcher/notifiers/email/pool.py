"""A bounded number of connections, each with one owner at a time.

A connection is kept after a mail and used again, until it was idle for too long, has carried enough mails, or is not
sound any more. One that the server closed while it was idle is replaced at once, once, and nobody hears of it.

Who waits for a place while a try to connect shows that the server is away is sent away with that failure: hundred mails
in line need not find it out one after the other, each in its own time-out.

When the server says that it is busy (421), the pool withholds one of its places; mails that go well give it back.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from dispatcher.notifiers.email.connection import BUSY, Connection, Lost, Refused, Stale
from dispatcher.notifiers.email.places import Places
from dispatcher.notifiers.email.replies import Phase, judge, judge_loss
from dispatcher.notifiers.email.settings import EmailSettings
from dispatcher.words.errors import Failure, Kind, Reason

CALM = 50
"""So many uses without a 421 give back one place that was withheld."""

T = TypeVar("T")


class Pool:
    """The connections to one server.

    Args:
        connect: opens one.
        settings: how many, how long, how much.

    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], settings: EmailSettings) -> None:
        self._connect = connect
        self._settings = settings
        self._places = Places(settings.connections)
        self._heard = 0.0  # when the server last did what it should, by the clock of the loop
        self._withheld = 0
        self._owed = 0  # places that are withheld as soon as they are free
        self._calm = 0
        self._kept: list[tuple[Connection, float]] = []  # with the time they were given back, oldest first
        self._used: set[Connection] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def size(self) -> int:
        """How many connections may be open now."""
        return self._settings.connections - self._withheld - self._owed

    async def use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Lend a connection to `work`, which has a place.

        Raises:
            Failure: none could be opened, or whatever `work` says.

        """
        kept = self._take()
        try:
            return await self._lend(kept or await self.open(), work)
        except Stale:
            return await self._lend(await self.open(), work)

    async def open(self) -> Connection:
        """Open a connection, whoever else has one; the caller lets go of it.

        Raises:
            Failure: it could not be opened: the service is away (outage), or has enough of us (throttled).

        """
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            connection = await self._open()
        except Failure as failure:
            if failure.kind is Kind.OUTAGE and self._heard < began:
                self._places.dismiss(failure)
            raise
        self._heard = clock()
        return connection

    async def _open(self) -> Connection:
        server = self._settings.server
        user = f"for user {self._settings.username!r}"
        try:
            return await self._connect()
        except Refused as refused:
            enough = refused.phase is Phase.CONNECT and refused.reply.code == BUSY and (self._used or self._kept)
            phase = Phase.ANOTHER if enough else refused.phase
            failure = judge(phase, refused.reply, server=server, about=user if phase is Phase.AUTH else "")
            failure = failure or judge_loss(phase, str(refused), server=server)
            self._shrink(failure)
            raise failure from None
        except Lost as lost:
            raise judge_loss(lost.phase, lost.what, server=server) from lost

    async def close(self) -> None:
        """Part from all connections that are not in use; those that are part when they are given back."""
        self._closed = True
        self._stop_sweeping()
        while self._kept:
            self._leave(self._kept.pop()[0])
        while self._leaving:
            await asyncio.wait(self._leaving)
            await asyncio.sleep(0)  # transports close in the next turn of the loop

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Take one of the places while something is on its way; wait for it if all are taken.

        Raises:
            Failure: the server was found to be away meanwhile (outage).

        """
        await self._places.take()
        try:
            yield
        finally:
            if self._owed:
                self._owed -= 1
                self._withheld += 1
            else:
                self._places.free()

    async def _lend(self, connection: Connection, work: Callable[[Connection], Awaitable[T]]) -> T:
        self._used.add(connection)
        try:
            result = await work(connection)
        except Failure as failure:
            self._shrink(failure)
            raise
        except BaseException:
            # Cancelled or worse: whatever it was doing is half done, even if each command was answered.
            connection.abort()
            raise
        else:
            self._grow()
            return result
        finally:
            self._used.discard(connection)
            self._give_back(connection)

    def _take(self) -> Connection | None:
        """Give the connection that was used last: the others have a chance to grow old."""
        while self._kept:
            connection, _ = self._kept.pop()
            if connection.usable:
                connection.kept = True
                return connection
            connection.abort()
        return None

    def _give_back(self, connection: Connection) -> None:
        if not connection.usable:
            connection.abort()
        elif self._closed or connection.mails >= self._settings.mails_per_connection:
            self._leave(connection)
        else:
            self._kept.append((connection, asyncio.get_running_loop().time()))
            self._sweep()

    def _leave(self, connection: Connection) -> None:
        """Part politely without keeping anybody waiting."""
        parting = asyncio.ensure_future(connection.quit())
        self._leaving.add(parting)
        parting.add_done_callback(self._leaving.discard)

    def _sweep(self) -> None:
        """Part from the connections that were idle for too long, and come back when the next one will have been."""
        self._stop_sweeping()
        loop = asyncio.get_running_loop()
        idle = self._settings.idle.total_seconds()
        while self._kept and self._kept[0][1] + idle <= loop.time():
            self._leave(self._kept.pop(0)[0])
        if self._kept:
            self._sweeper = loop.call_at(self._kept[0][1] + idle, self._sweep)

    def _stop_sweeping(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def _shrink(self, failure: Failure) -> None:
        """Withhold a place if the server is busy; one always stays."""
        if failure.reason is Reason.SMTP_BUSY:
            self._calm = 0
            self._owed += self.size > 1

    def _grow(self) -> None:
        self._heard = asyncio.get_running_loop().time()
        self._calm += 1
        if self._calm >= CALM and self._withheld:
            self._calm = 0
            self._withheld -= 1
            self._places.free()
