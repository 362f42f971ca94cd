"""Keeping the copies of messages: published until the broker has them for certain."""

import asyncio
import logging
from collections.abc import Awaitable

from dispatcher.backoff import backoff
from dispatcher.brokers.rabbitmq.declare import Declarer
from dispatcher.brokers.rabbitmq.outlet import Unroutable
from dispatcher.brokers.rabbitmq.session import Session
from dispatcher.brokers.topology import dead_queue, retry_queue
from dispatcher.words.errors import BrokerError, DeliveryLost
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Deferred, Rejected, Split

TOGETHER = 100
"""So many of the parts of a message are published at a time."""

log = logging.getLogger(__name__)


class Keeper:
    """Keeps the copies that the deliveries of one queue leave behind, as long as its session lives."""

    def __init__(self, session: Session, declarer: Declarer, queue: str) -> None:
        self._session = session
        self._declarer = declarer
        self._queue = queue

    async def keep(self, outcome: Deferred | Rejected) -> None:
        """Publish a copy until the broker has it: before that the original must not go.

        The delivery is held meanwhile, so prefetch bounds how many wait here.

        Raises:
            DeliveryLost: the session ended first; the broker hands the original out again.

        """
        name = dead_queue(self._queue) if isinstance(outcome, Rejected) else retry_queue(self._queue, outcome.rung)
        await self._publish(name, outcome.copy, outcome)

    async def replace(self, outcome: Split) -> None:
        """Publish what takes a message's place in its own queue; raises as `keep`."""
        for start in range(0, len(outcome.parts), TOGETHER):
            parts = outcome.parts[start : start + TOGETHER]
            await asyncio.gather(*(self._publish(self._queue, part, outcome) for part in parts))

    async def _publish(self, name: str, copy: Message, outcome: Deferred | Rejected | Split) -> None:
        waits = backoff()
        while True:
            await self._while_it_lives(self._session.outlet.unblocked())
            if self._session.is_lost:
                raise DeliveryLost("the connection went while a copy was published; the broker hands it out again")
            try:
                await self._session.outlet.publish(name, copy)
            except Unroutable:
                log.warning("the queue %s is missing; it is made again", name)
                await self._make_again(outcome)
            except BrokerError as error:
                log.warning("the copy of message %s is not kept yet: %s", copy.id, error)
            else:
                return
            await self._while_it_lives(asyncio.sleep(next(waits)))

    async def _make_again(self, outcome: Deferred | Rejected | Split) -> None:
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
            log.error("%s", error)  # noqa: TRY400 - a sentence, not a traceback

    async def _while_it_lives(self, waiting: Awaitable[None]) -> None:
        """Wait, but no longer than the session lives."""
        wait = asyncio.ensure_future(waiting)
        lost = asyncio.ensure_future(self._session.until_lost())
        try:
            await asyncio.wait({wait, lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            wait.cancel()
            lost.cancel()
