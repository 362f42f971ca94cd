"""One queue's deliveries, spell after spell, across the loss of connections."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from dispatcher.brokers.backoff import backoff
from dispatcher.brokers.base import Delivery, Subscription
from dispatcher.brokers.rabbitmq.delivery import RabbitDelivery
from dispatcher.brokers.rabbitmq.session import Session
from dispatcher.brokers.rabbitmq.spell import LOSSES, Incoming, Sessions, Spell
from dispatcher.words.errors import BrokerError, BrokerRefused, DeliveryLost
from dispatcher.words.outcomes import Released

log = logging.getLogger(__name__)


class RabbitSubscription(Subscription):
    """The deliveries of one queue, spell after spell."""

    def __init__(self, broker: Sessions, queue: str, prefetch: int) -> None:
        self._broker = broker
        self._queue = queue
        self._prefetch = prefetch
        self._inbox: asyncio.Queue[RabbitDelivery | None] = asyncio.Queue()
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._spell: Spell | None = None
        self._keeper = asyncio.create_task(self._keep_consuming(), name=f"consume {queue}")

    async def begun(self) -> None:
        """Wait for the first spell.

        Raises:
            BrokerRefused: there will be none; the text says why.

        """
        await asyncio.shield(self._begun)

    def __aiter__(self) -> AsyncIterator[Delivery]:
        return self._deliveries()

    async def _deliveries(self) -> AsyncIterator[Delivery]:
        while (delivery := await self._inbox.get()) is not None:
            if not delivery.stale:
                yield delivery

    async def stop(self) -> None:
        """Cancel the consumer and give back what nobody has taken out."""
        self._keeper.cancel()
        await asyncio.wait({self._keeper})
        if self._spell is not None:
            await self._spell.end()
        while not self._inbox.empty():
            delivery = self._inbox.get_nowait()
            if delivery is not None:
                with contextlib.suppress(DeliveryLost):
                    await delivery.settle(Released())
        self._inbox.put_nowait(None)

    async def _keep_consuming(self) -> None:
        waits = backoff()
        while True:
            session = await self._broker.session()
            try:
                spell = await self._begin_spell(session)
            except BrokerRefused as error:
                if not self._begun.done():
                    self._begun.set_exception(error)
                    return
                log.error("%s", error)  # noqa: TRY400 - a sentence, not a traceback
            except (BrokerError, *LOSSES) as error:
                log.warning("cannot take deliveries from %s: %s", self._queue, error)
            else:
                waits = backoff()
                await self._until_over(spell)
            await asyncio.sleep(next(waits))

    async def _begin_spell(self, session: Session) -> Spell:
        await self._broker.declare_on(session, self._queue)
        spell = Spell(self._broker, session, self._queue)

        def take(incoming: Incoming) -> None:
            self._inbox.put_nowait(RabbitDelivery(spell, incoming))

        await spell.begin(self._prefetch, take)
        self._spell = spell
        if not self._begun.done():
            self._begun.set_result(None)
        log.info("taking deliveries from the queue %s", self._queue)
        return spell

    async def _until_over(self, spell: Spell) -> None:
        await spell.over.wait()
        if not spell.session.is_lost:
            log.warning("the broker ended the deliveries from the queue %s; asking again", self._queue)
