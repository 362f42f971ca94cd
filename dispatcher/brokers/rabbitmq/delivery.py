"""A message from RabbitMQ in our hands, and how it is settled."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import aio_pika

from dispatcher.brokers.backoff import backoff
from dispatcher.brokers.base import Delivery
from dispatcher.brokers.rabbitmq.envelope import read
from dispatcher.brokers.rabbitmq.publisher import Unroutable
from dispatcher.brokers.rabbitmq.spell import LOSSES, Spell
from dispatcher.brokers.topology import dead_queue, retry_queue
from dispatcher.words.errors import BrokerError, DeliveryLost
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Deferred, Outcome, Rejected, Released

log = logging.getLogger(__name__)


class RabbitDelivery(Delivery):
    """A message from RabbitMQ in our hands."""

    def __init__(self, spell: Spell, incoming: aio_pika.abc.AbstractIncomingMessage) -> None:
        self.message = read(incoming)
        self.redelivered = bool(incoming.redelivered)
        self._spell = spell
        self._incoming = incoming

    @property
    def stale(self) -> bool:
        """Whether its AMQP channel is gone."""
        return self._spell.is_stale

    async def settle(self, *outcomes: Outcome) -> None:
        """Publish the copies, then ack; or give it back."""
        if self.stale:
            raise DeliveryLost("the AMQP channel of the delivery is gone; the broker hands it out again")
        try:
            await self._settle(outcomes)
        finally:
            await self._spell.let_go()

    async def _settle(self, outcomes: tuple[Outcome, ...]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Deferred):
                await self._keep(outcome.copy, outcome.rung)
            elif isinstance(outcome, Rejected):
                await self._keep(outcome.copy, None)
        released = any(isinstance(outcome, Released) for outcome in outcomes)
        await self._answer(self._incoming.nack if released else self._incoming.ack)

    async def _answer(self, answer: Callable[[], Awaitable[None]]) -> None:
        try:
            await answer()
        except LOSSES as error:
            raise DeliveryLost(f"the broker did not hear how the delivery ended ({type(error).__name__})") from error

    async def _keep(self, copy: Message, rung: timedelta | None) -> None:
        """Publish a copy until the broker has it for certain: before that the original must not go.

        The delivery is held meanwhile, so prefetch bounds how many wait here.
        """
        name = dead_queue(self._spell.queue) if rung is None else retry_queue(self._spell.queue, rung)
        waits = backoff()
        while True:
            await self._while_it_is_ours(self._spell.session.publisher.unblocked())
            if self.stale:
                raise DeliveryLost("the connection went while its copy was published; the broker hands it out again")
            try:
                await self._spell.session.publisher.publish(name, copy)
            except Unroutable:
                log.warning("the queue %s is missing; it is made again", name)
                await self._make_again(rung)
            except BrokerError as error:
                log.warning("the copy of message %s is not kept yet: %s", copy.id, error)
            else:
                return
            await self._while_it_is_ours(asyncio.sleep(next(waits)))

    async def _make_again(self, rung: timedelta | None) -> None:
        try:
            await self._spell.broker.declare_again(self._spell.session, self._spell.queue, rung)
        except BrokerError as error:
            log.error("%s", error)  # noqa: TRY400 - a sentence, not a traceback

    async def _while_it_is_ours(self, waiting: Awaitable[None]) -> None:
        """Wait, but no longer than the session lives."""
        wait = asyncio.ensure_future(waiting)
        lost = asyncio.ensure_future(self._spell.session.until_lost())
        try:
            await asyncio.wait({wait, lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            wait.cancel()
            lost.cancel()
