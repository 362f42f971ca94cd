"""Keeping the copies of messages: published until the broker has them for certain."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager

from dispatcher.backoff import backoff
from dispatcher.brokers.rabbitmq.declare import Declarer
from dispatcher.brokers.rabbitmq.outlet import Unroutable
from dispatcher.brokers.rabbitmq.pressure import Pressure
from dispatcher.brokers.rabbitmq.spell import Spell
from dispatcher.brokers.topology import dead_queue, retry_queue
from dispatcher.words.errors import BrokerError, DeliveryLost
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Deferred, Rejected, Split

HOLD_LIMIT = 600.0
"""Seconds for which a delivery is held because its copy cannot be kept; a broker takes it away after half an hour."""

LONGEST = 5.0
"""Seconds between two tries to keep a copy, at most: meanwhile nothing is taken from the queue."""

TOGETHER = 100
"""So many of the parts of a message are published at a time."""

log = logging.getLogger(__name__)


class NotKept(BrokerError):
    """A copy could not be kept for so long that its original is better given back."""


class Keeper:
    """Keeps the copies that the deliveries of one spell leave behind, as long as it lives.

    Args:
        spell: of the originals; its session's outlet is used.
        declarer: makes a queue again that went missing.
        queue: the work queue.
        pressure: told of each copy that cannot be kept, and when it can.

    """

    def __init__(self, spell: Spell, declarer: Declarer, queue: str, pressure: Pressure) -> None:
        self._spell = spell
        self._session = spell.session
        self._declarer = declarer
        self._queue = queue
        self._pressure = pressure

    async def keep(self, outcome: Deferred | Rejected) -> None:
        """Publish a copy until the broker has it: before that the original must not go.

        The delivery is held meanwhile, so prefetch bounds how many wait here.

        Raises:
            DeliveryLost: the session ended first; the broker hands the original out again.
            NotKept: it is not kept after `HOLD_LIMIT`.

        """
        name = dead_queue(self._queue) if isinstance(outcome, Rejected) else retry_queue(self._queue, outcome.rung)
        async with _for_so_long(f"the copy of message {outcome.copy.id}"):
            await self._publish(name, outcome.copy, outcome)

    async def replace(self, outcome: Split) -> None:
        """Publish what takes a message's place in its own queue; raises as `keep`. The limit is for all of it."""
        async with _for_so_long(f"the {len(outcome.parts)} parts of a message"):
            for start in range(0, len(outcome.parts), TOGETHER):
                await self._publish_together(outcome, outcome.parts[start : start + TOGETHER])

    async def _publish_together(self, outcome: Split, parts: Sequence[Message]) -> None:
        """Publish side by side; with the first that cannot be kept the others end."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._publish(self._queue, part, outcome)) for part in parts]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        if any(task.cancelled() for task in tasks):  # by the library: the group itself would pass over that
            raise NotKept("a part of the message could not be kept")

    async def _publish(self, name: str, copy: Message, outcome: Deferred | Rejected | Split) -> None:
        waiting = object()
        try:
            await self._publish_until_kept(name, copy, outcome, waiting)
        finally:
            self._pressure.ease(waiting)

    async def _publish_until_kept(
        self, name: str, copy: Message, outcome: Deferred | Rejected | Split, waiting: object
    ) -> None:
        waits = backoff(longest=LONGEST)
        while True:
            await self._while_it_lives(self._session.outlet.unblocked())
            if self._spell.is_stale:
                raise DeliveryLost("the connection went while a copy was published; the broker hands it out again")
            try:
                await self._session.outlet.publish(name, copy, patient=True)
            except Unroutable as error:
                log.warning("the queue %s is missing; it is made again", name)
                await self._make_again(outcome, waiting, str(error))
            except BrokerError as error:
                self._pressure.press(waiting, str(error))
            else:
                return
            await self._while_it_lives(asyncio.sleep(next(waits)))

    async def _make_again(self, outcome: Deferred | Rejected | Split, waiting: object, why: str) -> None:
        connection = self._session.consuming
        try:
            match outcome:
                case Rejected():
                    await self._declarer.declare_dead(connection, self._queue)
                case Deferred():
                    await self._declarer.declare_retry(connection, self._queue, outcome.rung)
                case Split():
                    await self._declarer.declare(connection, self._queue)
        except BrokerError as error:
            self._pressure.press(waiting, f"{why}: {error}")

    async def _while_it_lives(self, waiting: Awaitable[None]) -> None:
        """Wait, but no longer than the session lives."""
        wait = asyncio.ensure_future(waiting)
        lost = asyncio.ensure_future(self._session.until_lost())
        try:
            await asyncio.wait({wait, lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            wait.cancel()
            lost.cancel()


@asynccontextmanager
async def _for_so_long(what: str) -> AsyncIterator[None]:
    """Give up after `HOLD_LIMIT`, with a sentence that names what is kept."""
    try:
        async with asyncio.timeout(HOLD_LIMIT):
            yield
    except TimeoutError as error:
        raise NotKept(f"{what} could not be kept for {HOLD_LIMIT:g} s") from error
