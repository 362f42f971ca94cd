"""No message twice: neither by two hands at once, nor after it was settled, nor again and again when it kills.

A message that a process was working on when it died is a suspect. Suspects are tried one at a time, beside whatever
else is done: so a second death marks the guilty one alone, and the innocent are done with. From then on each death
costs it an attempt, and so many deaths make it a dead letter.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

from dispatcher.flow.clock import utc_now
from dispatcher.flow.page import Page
from dispatcher.words.errors import DeliveryLost, DispatcherError, Failure, Kind, Reason
from dispatcher.words.messages import Message
from dispatcher.words.retries import STEPS

MOST_DEATHS = 3
"""So many deaths of a process while it worked on a message make that a dead letter."""

IN_COMPANY = 1
"""At so many deaths it may have been any of those that were worked on: nothing is counted against it yet."""

AGAIN = 0.1
"""After so many seconds it is looked again whether another daemon still has a message in hand."""

PATIENCE = 2.0
"""So many seconds that is waited for; then the message goes round."""

LONGEST_HELD = timedelta(minutes=15)
"""A message that somebody has had in hand for so long is sent by who is given it: longer than any try, he is frozen."""

log = logging.getLogger(__name__)


class AlreadySettled(DispatcherError):
    """It only has to go: what it asks for was done, but the broker did not hear of it."""


class Died(Failure):
    """A process died while it tried the message.

    Attributes:
        deaths: how often.

    """

    def __init__(self, deaths: int) -> None:
        kind = Kind.CONTENT if deaths >= MOST_DEATHS else Kind.TRANSIENT
        super().__init__(
            kind,
            Reason.DIED,
            f"the dispatcher died {deaths} times with this message; its log of these times may say why",
        )
        self.deaths = deaths


class Once:
    """Lets the messages of one queue through to be tried.

    Args:
        page: what is remembered of them.
        now: the time.

    """

    def __init__(self, page: Page, now: Callable[[], datetime] = utc_now) -> None:
        self._page = page
        self._now = now
        self._held: dict[bytes, InHand] = {}
        self._one_suspect = asyncio.Lock()

    def in_hand(self, message: Message) -> "InHand":
        """Have the message in hand, alone on this host, in an `async with` block.

        Its beginning raises:
            AlreadySettled: it was done before.
            Died: it is not to be tried now, or ever, because processes died of it.
            DeliveryLost: the broker has taken it away while it had to wait.

        """
        return InHand(self, message)

    async def take(self, hand: "InHand", message: Message) -> bool:
        """Let somebody have a message in hand, as soon as nobody else has; tell whether it is a suspect.

        Suspects are had one at a time.

        Raises:
            AlreadySettled, Died, DeliveryLost: as `in_hand` says.

        """
        key = self._page.key(message)
        if message.seen_before:
            await self._until_free(key, message)
            if self._page.is_settled(message):
                raise AlreadySettled("it was settled before")
        is_suspect = self._deaths(message) > 0
        if is_suspect:
            await self._one_suspect.acquire()
        self._held.setdefault(key, hand)  # two with the same id and body may be two notifications
        self._page.take(message)
        return is_suspect

    def release(self, hand: "InHand", message: Message, *, is_suspect: bool) -> None:
        """Let the next one have it."""
        key = self._page.key(message)
        self._page.release(message)
        if self._held.get(key) is hand:
            del self._held[key]
        if is_suspect:
            self._one_suspect.release()

    async def _until_free(self, key: bytes, message: Message) -> None:
        """Wait for whoever has the same message in hand, in this process or in another one of this host.

        Not for long: who has it may be frozen, and the messages behind this one need not be.
        """
        until = monotonic() + PATIENCE
        while (other := self._held.get(key)) is not None or self._page.is_held_elsewhere(message):
            if message.is_stale():
                raise DeliveryLost("the broker has taken the message back; it was not tried")
            if other is not None:
                await asyncio.wait({other.gone()}, timeout=AGAIN)
            elif monotonic() < until:
                await asyncio.sleep(AGAIN)
            elif self._has_waited_long(message):
                log.warning("message %s is sent though another daemon of this host has it in hand", message.id)
                return
            else:
                raise Failure(Kind.THROTTLED, Reason.HELD, "another daemon of this host has it in hand", wait=STEPS[-1])

    def _has_waited_long(self, message: Message) -> bool:
        return message.first_seen is not None and self._now() - message.first_seen > LONGEST_HELD

    def _deaths(self, message: Message) -> int:
        """Count the deaths; raise when there is one more than was paid for."""
        paid = min(message.deaths, MOST_DEATHS - 1)  # whoever wrote that there
        deaths = max(self._page.deaths(message), paid)
        if deaths > max(paid, IN_COMPANY):
            raise Died(deaths)
        return deaths


class InHand:
    """A message in hand, from the beginning of an `async with` block to its end: one for each try, so it is plain."""

    __slots__ = ("_free", "_is_suspect", "_message", "_once")

    def __init__(self, once: Once, message: Message) -> None:
        self._once = once
        self._message = message
        self._is_suspect = False
        self._free: asyncio.Future[None] | None = None

    async def __aenter__(self) -> None:
        self._is_suspect = await self._once.take(self, self._message)

    async def __aexit__(self, *_: object) -> None:
        self._once.release(self, self._message, is_suspect=self._is_suspect)
        if self._free is not None:
            self._free.set_result(None)

    def gone(self) -> asyncio.Future[None]:
        """Give what is done when the message is not in this hand any more."""
        if self._free is None:
            self._free = asyncio.get_running_loop().create_future()
        return self._free
