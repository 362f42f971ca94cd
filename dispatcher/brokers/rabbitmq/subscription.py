"""One queue's deliveries, spell after spell, across the loss of connections."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Protocol

from dispatcher.backoff import backoff
from dispatcher.brokers.base import Delivery, Subscription
from dispatcher.brokers.rabbitmq.declare import Declarer
from dispatcher.brokers.rabbitmq.delivery import RabbitDelivery
from dispatcher.brokers.rabbitmq.keeper import Keeper
from dispatcher.brokers.rabbitmq.session import Session
from dispatcher.brokers.rabbitmq.spell import Incoming, Spell
from dispatcher.words.errors import BrokerError, BrokerRefused, DeliveryLost
from dispatcher.words.outcomes import Released

log = logging.getLogger(__name__)


class Sessions(Protocol):
    """What a subscription needs of its broker."""

    async def session(self) -> Session:
        """Wait for a session that is up."""


class RabbitSubscription(Subscription):
    """The deliveries of one queue, spell after spell."""

    def __init__(self, broker: Sessions, declarer: Declarer, queue: str, prefetch: int) -> None:
        self._broker = broker
        self._declarer = declarer
        self._queue = queue
        self._usual = self._prefetch = prefetch
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._inbox: asyncio.Queue[RabbitDelivery | None] = asyncio.Queue()
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._spell: Spell | None = None
        self._trouble = "the connection to RabbitMQ is being made"
        self._stopped = False
        self._consuming = asyncio.create_task(self._keep_consuming(), name=f"consume {queue}")

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

    @property
    def trouble(self) -> str | None:
        """Why nothing is taken."""
        if not self._wanted.is_set() or (self._spell is not None and not self._spell.over.is_set()):
            return None
        return self._trouble

    async def pause(self) -> None:
        """Cancel the consumer and give back what nobody has taken out."""
        self._wanted.clear()
        await self._give_back()

    async def resume(self, prefetch: int | None = None) -> None:
        """Begin another spell, with this prefetch."""
        wanted = self._usual if prefetch is None else prefetch
        if wanted != self._prefetch:
            self._prefetch = wanted
            await self._give_back()
        self._wanted.set()

    async def stop(self) -> None:
        """Cancel the consumer and give back what nobody has taken out."""
        self._stopped = True
        self._consuming.cancel()
        await asyncio.wait({self._consuming})
        await self._give_back()
        self._inbox.put_nowait(None)

    async def _give_back(self) -> None:
        if self._spell is not None:
            await self._spell.end()
        while not self._inbox.empty():
            delivery = self._inbox.get_nowait()
            if delivery is not None:
                with contextlib.suppress(DeliveryLost):
                    await delivery.settle(Released())

    async def _keep_consuming(self) -> None:
        """Begin one spell after the other; only a refusal of the very first one ends this, and `begun` raises it.

        The library loses a cancellation that comes in the same turn as an answer: hence a flag beside it.
        """
        waits = backoff()
        while not self._stopped:
            await self._wanted.wait()
            session = await self._broker.session()
            try:
                spell = await self._begin_spell(session)
            except BrokerRefused as error:
                if not self._begun.done():
                    self._begun.set_exception(error)
                    return
                self._trouble = str(error)
                log.error("%s", error)  # noqa: TRY400 - a sentence, not a traceback
            except BrokerError as error:
                self._trouble = str(error)
                log.warning("cannot take deliveries from %s yet: %s", self._queue, error)
            except Exception:
                log.exception("a bug while taking deliveries from %s", self._queue)
            else:
                waits = backoff()
                await self._until_over(spell)
            if not self._stopped and self._wanted.is_set():
                await asyncio.sleep(next(waits))

    async def _begin_spell(self, session: Session) -> Spell:
        await self._declarer.declare(session.consuming, self._queue)
        spell = Spell(session, self._queue)
        keeper = Keeper(session, self._declarer, self._queue)

        def take(incoming: Incoming) -> None:
            self._inbox.put_nowait(RabbitDelivery(spell, keeper, incoming))

        await spell.begin(self._prefetch, take)
        self._spell = spell
        if not self._begun.done():
            self._begun.set_result(None)
        log.info("taking deliveries from the queue %s", self._queue)
        return spell

    async def _until_over(self, spell: Spell) -> None:
        if self._stopped:
            return
        await spell.over.wait()
        await spell.close_if_done()
        if self._wanted.is_set() and not spell.session.is_lost:
            log.warning("the broker ended the deliveries from the queue %s; asking again", self._queue)
