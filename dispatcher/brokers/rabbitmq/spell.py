"""One spell of consuming from one queue: an AMQP channel, from its opening until it is closed."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

import aio_pika
import aiormq
from aiormq.exceptions import ChannelAccessRefused

from dispatcher.brokers.rabbitmq.declare import RPC_TIMEOUT
from dispatcher.brokers.rabbitmq.losses import LOSSES, REFUSALS, losses_as_broker_errors, refusal_text
from dispatcher.brokers.rabbitmq.session import Session
from dispatcher.words.errors import BrokerError, BrokerRefused, DeliveryLost

CANCEL_TIMEOUT = 3.0
"""Seconds for the broker to answer when we stop: one that does not will hand everything out again anyway."""

Incoming = aiormq.abc.DeliveredMessage

log = logging.getLogger(__name__)


class Spell:
    """One spell of consuming.

    Attributes:
        over: set when nothing new will come: the consumer was cancelled or the AMQP channel closed.

    """

    def __init__(self, session: Session, queue: str) -> None:
        self.session = session
        self.over = asyncio.Event()
        self._queue = queue
        self._channel = aio_pika.Channel(session.consuming, publisher_confirms=False)
        self._closed = False
        self._in_hand = 0
        self._tag = f"dispatcher-{uuid4().hex[:12]}"  # a tag of its own: the broker may still hold the last one

    @property
    def is_stale(self) -> bool:
        """Whether its deliveries can no longer be settled."""
        return self._closed or self.session.is_lost

    async def begin(self, prefetch: int, take: Callable[[Incoming], None]) -> None:
        """Open the AMQP channel and start to consume.

        Raises:
            BrokerRefused: the user may not read from the queue.
            BrokerError: the broker went away, or the queue did.

        """
        async with losses_as_broker_errors(f"beginning to take from {self._queue}"):
            await self._channel.initialize(timeout=RPC_TIMEOUT)
            self._channel.close_callbacks.add(self._on_close)
            await self._channel.set_qos(prefetch_count=prefetch, timeout=RPC_TIMEOUT)
            underlay = await self._channel.get_underlay_channel()
            underlay.on_consumer_cancel_callbacks.add(self._on_cancel)
            try:
                # Not with the library's message class: it refuses odd properties, where nobody would see it.
                await underlay.basic_consume(
                    self._queue, self._callback(take), consumer_tag=self._tag, timeout=RPC_TIMEOUT
                )
            except ChannelAccessRefused as error:
                raise BrokerRefused(
                    f"the queue {self._queue} may not be read: {refusal_text(error)}; "
                    "give the user the permission to read from it"
                ) from error
            except REFUSALS as error:
                raise BrokerError(f"the queue {self._queue} cannot be taken from: {refusal_text(error)}") from error

    def _callback(self, take: Callable[[Incoming], None]) -> Callable[[Incoming], Coroutine[Any, Any, None]]:
        # The library runs this in a task of the AMQP channel and cancels it with that: it must not do any work.
        async def callback(incoming: Incoming) -> None:
            self._in_hand += 1
            try:
                take(incoming)
            except Exception:
                # The library would say nothing, and the message would be in nobody's hands.
                log.exception("a bug while a message of %s was taken in; it stays unacknowledged", self._queue)

        return callback

    async def answer(self, tag: int, *, ack: bool) -> None:
        """Tell the broker how a delivery ended: done, or to be handed out again.

        Raises:
            DeliveryLost: it did not hear it.

        """
        try:
            underlay = await self._channel.get_underlay_channel()
            await (underlay.basic_ack(tag) if ack else underlay.basic_nack(tag, requeue=True))
        except LOSSES as error:
            raise DeliveryLost(f"the broker did not hear how the delivery ended ({type(error).__name__})") from error

    async def end(self) -> None:
        """Take nothing new; what is in hand can still be settled."""
        if not self.over.is_set() and not self.is_stale:
            with contextlib.suppress(*LOSSES):
                underlay = await self._channel.get_underlay_channel()
                await underlay.basic_cancel(self._tag, timeout=CANCEL_TIMEOUT)
        self.over.set()

    async def let_go(self) -> None:
        """Count one delivery as settled."""
        self._in_hand -= 1
        await self.close_if_done()

    async def close_if_done(self) -> None:
        """Close the AMQP channel when nothing new comes and nothing is in hand."""
        if self._in_hand == 0 and self.over.is_set() and not self.is_stale:
            with contextlib.suppress(*LOSSES):
                await self._channel.close()

    def _on_close(self, *_: Any) -> None:
        self._closed = True
        self.over.set()

    def _on_cancel(self, *_: Any) -> None:
        self.over.set()
