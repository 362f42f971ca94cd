"""The connections to one server, each with one owner at a time; how many there may be is found out by `width`.

A connection is kept after a mail and used again, until it was idle for too long, has carried enough mails, or is not
sound any more. One that the server closed while it was idle is replaced at once, once, and nobody hears of it.

Who waits for a place while a try to connect shows that the server is away is sent away with that failure: hundred mails
in line need not find it out one after the other, each in its own time-out.

Where the server wants no connection besides those that are open, the mail that would have had it waits for one of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from time import monotonic
from typing import TypeVar

from dispatcher.notifiers.email.connection import Connection, Lost, Refused, Stale
from dispatcher.notifiers.email.kept import Kept
from dispatcher.notifiers.email.places import Places
from dispatcher.notifiers.email.replies import BUSY, Phase, judge, judge_loss
from dispatcher.notifiers.email.settings import EmailSettings
from dispatcher.notifiers.email.width import Width
from dispatcher.words.errors import Failure, Kind, Reason

PATIENCE = 5
"""So many times a mail waits for another connection before it comes again later."""

AHEAD = 5
"""So many mails before a connection is replaced, its successor is opened."""

T = TypeVar("T")


class Enough(Failure):
    """No connection could be opened besides those that are open and in good order."""


class Pool:
    """The connections to one server.

    Args:
        connect: opens one.
        settings: how many, how long, how much.

    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], settings: EmailSettings) -> None:
        self._connect = connect
        self._settings = settings
        self._width = Width(settings.connections)
        self._places = Places(self._width.value)
        self._heard = 0.0  # when the server last did what it should, by `monotonic`
        self._in_doubt = False  # it has left a mail unanswered, and taken none since
        self._opening = 0
        self._kept = Kept(settings.idle.total_seconds(), self._leave)
        self._used: set[Connection] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._preparing: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def size(self) -> int:
        """How many connections may be open now."""
        return self._places.size

    def place(self) -> AbstractAsyncContextManager[None]:
        """Give what is one of the places while something is on its way; who enters waits for it if all are taken.

        Entering raises:
            Failure: the server was found to be away meanwhile (outage).

        """
        return self._places

    async def use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Lend a connection to `work`, which has a place.

        Raises:
            Failure: none could be opened, or whatever `work` says.

        """
        kept = self._kept.take()
        if kept is not None:
            try:
                return await self._lend(kept, work)
            except Stale:
                pass
        return await self._lend(await self._another(), work)

    async def open(self) -> Connection:
        """Open a connection, whoever else has one; the caller lets go of it.

        Raises:
            Failure: it could not be opened: the service is away (outage), or has enough of us (throttled).

        """
        began = monotonic()
        self._opening += 1
        try:
            connection = await self._open()
        except Failure as failure:
            self._learn_refusal(failure, began)
            raise
        finally:
            self._opening -= 1
        self._heard = monotonic()
        return connection

    async def close(self) -> None:
        """Part from all connections that are not in use; those that are part when they are given back."""
        self._closed = True
        while (preparing := self._preparing) is not None and not preparing.done():
            preparing.cancel()  # again, where the library loses it: a server that says nothing takes long
            await asyncio.wait({preparing}, timeout=0.1)
        self._kept.close()
        while self._leaving:
            await asyncio.wait(self._leaving)
            await asyncio.sleep(0)  # transports close in the next turn of the loop

    async def _another(self) -> Connection:
        """Open a connection when there may be one more; where the server does not want it, wait for another."""
        for _ in range(PATIENCE):
            while self._leaving and self._number >= self.size:
                await asyncio.wait(self._leaving, return_when=asyncio.FIRST_COMPLETED)
            try:
                return await self.open()
            except Enough:
                await self._places.give_way()
            kept = self._kept.take()
            if kept is not None:
                return kept
        return await self.open()

    async def _open(self) -> Connection:
        server = self._settings.server
        user = f"for user {self._settings.username!r}"
        try:
            return await self._connect()
        except Refused as refused:
            enough = refused.phase is Phase.CONNECT and refused.reply.code == BUSY and self._number > 1
            phase = Phase.ANOTHER if enough else refused.phase
            failure = judge(phase, refused.reply, server=server, about=user if phase is Phase.AUTH else "")
            failure = failure or judge_loss(phase, str(refused), server=server)
            raise failure from None
        except Lost as lost:
            raise judge_loss(lost.phase, lost.what, server=server) from lost

    def _learn_refusal(self, failure: Failure, began: float) -> None:
        """Learn from a connection that could not be opened.

        Raises:
            Enough: others are open, and the server said that it is busy, or answered one of them meanwhile.

        """
        busy = failure.reason is Reason.SMTP_BUSY
        others = self._number - 1
        if others and (busy or (failure.reason is Reason.SMTP_UNREACHABLE and self._heard >= began)):
            self._width.limit(others)  # those that are being opened may yet be taken, too
            self._follow()
            # Not the kind of the failure: a queue need not pause for a server that answers the others.
            raise Enough(Kind.THROTTLED, Reason.SMTP_BUSY, failure.text, wait=failure.wait) from failure
        if busy:
            self._width.halve()
            self._follow()
        elif failure.kind is Kind.OUTAGE and self._heard < began:
            self._places.dismiss(failure)

    @property
    def _number(self) -> int:
        """How many are open, those included that are being opened or parting."""
        return self._opening + len(self._used) + len(self._kept) + len(self._leaving)

    async def _lend(self, connection: Connection, work: Callable[[Connection], Awaitable[T]]) -> T:
        self._used.add(connection)
        connection.careful = self._in_doubt
        began = monotonic()
        try:
            result = await work(connection)
        except Failure as failure:
            if failure.reason is Reason.SMTP_BUSY:
                self._width.halve()
                self._follow()
            self._in_doubt = self._in_doubt or failure.reason is Reason.SMTP_UNANSWERED
            raise
        except BaseException:
            # Cancelled or worse: whatever it was doing is half done, even if each command was answered.
            connection.abort()
            raise
        else:
            self._heard, self._in_doubt = monotonic(), False
            self._width.learn(self._heard - began, max(self._places.taken - self._opening, 1))
            self._follow()
            return result
        finally:
            self._used.discard(connection)
            self._give_back(connection)

    def _follow(self) -> None:
        if self._places.size != self._width.value:
            self._places.resize(self._width.value)

    def _give_back(self, connection: Connection) -> None:
        if not connection.usable:
            connection.abort()
        elif self._closed or connection.mails >= self._settings.mails_per_connection or self._is_unwanted():
            self._leave(connection)
        else:
            self._kept.give(connection)
            if connection.mails == self._settings.mails_per_connection - AHEAD and len(self._kept) == 1:
                self._prepare()

    def _prepare(self) -> None:
        """Open the successor of the only free connection before that is replaced: no mail has to wait for it then."""
        if self._preparing is None and self._number < self.size:
            self._preparing = asyncio.ensure_future(self._open_successor())

    async def _open_successor(self) -> None:
        try:
            successor = await self.open()
        except Failure:
            return  # whoever needs it finds that out
        finally:
            self._preparing = None
        if self._closed:
            self._leave(successor)
        else:
            self._kept.give_last(successor)  # the other one is used up first

    def _is_unwanted(self) -> bool:
        """Tell whether the server has said that it wants fewer than there are besides this one."""
        return self._width.is_held and len(self._used) + len(self._kept) >= self.size

    def _leave(self, connection: Connection) -> None:
        """Part politely without keeping anybody waiting."""
        parting = asyncio.ensure_future(connection.quit())
        self._leaving.add(parting)
        parting.add_done_callback(self._leaving.discard)
