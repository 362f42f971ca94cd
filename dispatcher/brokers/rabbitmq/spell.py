"""One spell of consuming from one queue: an AMQP channel, from its opening until it is closed."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Protocol
from uuid import uuid4

import aio_pika
from aiormq.exceptions import AMQPError, ChannelAccessRefused, ChannelInvalidStateError

from dispatcher.brokers.rabbitmq.declare import RPC_TIMEOUT, words
from dispatcher.brokers.rabbitmq.session import Session
from dispatcher.words.errors import BrokerRefused

LOSSES = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError)
"""What the library raises when an AMQP channel or a connection has gone."""

Incoming = aio_pika.abc.AbstractIncomingMessage


class Sessions(Protocol):
    """What a subscription needs of its broker."""

    async def session(self) -> Session:
        """Wait for a session that is up."""

    async def declare_on(self, session: Session, queue: str) -> None:
        """Make the work queue and everything that belongs to it."""

    async def declare_again(self, session: Session, queue: str, rung: timedelta | None) -> None:
        """Make one delay queue, or the queue of dead letters, that has gone missing."""


class Spell:
    """One spell of consuming.

    Attributes:
        over: set when nothing new will come: the consumer was cancelled or the AMQP channel closed.

    """

    def __init__(self, broker: Sessions, session: Session, queue: str) -> None:
        self.broker = broker
        self.session = session
        self.queue = queue
        self.over = asyncio.Event()
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

        """
        await self._channel.initialize(timeout=RPC_TIMEOUT)
        self._channel.close_callbacks.add(self._on_close)
        underlay = await self._channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(self._on_cancel)
        await self._channel.set_qos(prefetch_count=prefetch, timeout=RPC_TIMEOUT)
        try:
            queue = await self._channel.get_queue(self.queue, ensure=False)
            await queue.consume(self._callback(take), consumer_tag=self._tag, timeout=RPC_TIMEOUT)
        except ChannelAccessRefused as error:
            raise BrokerRefused(
                f"the queue {self.queue} may not be read: {words(error)}; give the user the permission to read from it"
            ) from error

    def _callback(self, take: Callable[[Incoming], None]) -> Callable[[Incoming], Awaitable[None]]:
        # The library runs this in a task of the AMQP channel and cancels it with that: it must not do any work.
        async def callback(incoming: Incoming) -> None:
            self._in_hand += 1
            take(incoming)

        return callback

    async def end(self) -> None:
        """Take nothing new; what is in hand can still be settled."""
        if not self.over.is_set() and not self.is_stale:
            with contextlib.suppress(*LOSSES):
                underlay = await self._channel.get_underlay_channel()
                await underlay.basic_cancel(self._tag, timeout=RPC_TIMEOUT)
        self.over.set()

    async def let_go(self) -> None:
        """Count one delivery as settled; the last one of a spell that is over closes the AMQP channel."""
        self._in_hand -= 1
        if self._in_hand == 0 and self.over.is_set() and not self.is_stale:
            with contextlib.suppress(*LOSSES):
                await self._channel.close()

    def _on_close(self, *_: Any) -> None:
        self._closed = True
        self.over.set()

    def _on_cancel(self, *_: Any) -> None:
        self.over.set()
