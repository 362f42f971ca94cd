"""One spell of consuming from one queue: an AMQP channel, from its opening until it is closed."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

import aio_pika
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import ChannelAccessRefused

from dispatcher.brokers.base import Delivery
from dispatcher.brokers.rabbitmq.acks import LOOK, Acks
from dispatcher.brokers.rabbitmq.apart import RPC_TIMEOUT
from dispatcher.brokers.rabbitmq.intake import Incoming, incoming, install
from dispatcher.brokers.rabbitmq.losses import (
    REFUSALS,
    close,
    losses_as_broker_errors,
    refusal_text,
    without_losses,
)
from dispatcher.brokers.rabbitmq.refusals import to_consume
from dispatcher.brokers.rabbitmq.session import Session
from dispatcher.words.errors import BrokerError, BrokerRefused, DeliveryLost

log = logging.getLogger(__name__)


class Spell:
    """One spell of consuming.

    Args:
        session: whose connection is used.
        queue: its name.
        prefetch: how many deliveries may be in hand at once.
        changed: called when nothing new will come any more, and when after that the last delivery is settled.

    Attributes:
        over: nothing new will come: the consumer was cancelled, by us or by the broker, or the AMQP channel closed.
        in_hand: deliveries that are not settled; one whose ack still waits for others is not.
        taken: deliveries handed to us so far.
        inbox: those of them that nobody has taken out yet.

    """

    def __init__(self, session: Session, queue: str, prefetch: int, changed: Callable[[], None]) -> None:
        self.session = session
        self.prefetch = prefetch
        self.over = False
        self.in_hand = 0
        self.taken = 0
        self.inbox: deque[Delivery] = deque()
        self._queue = queue
        self._changed = changed
        self._channel = aio_pika.Channel(session.consuming, publisher_confirms=False)
        self._closed = False
        self._acks: Acks | None = None
        self._on_short_way = False
        self._ending: asyncio.Task[None] | None = None
        self._looked_after: set[asyncio.Task[None]] = set()
        self._tag = f"dispatcher-{uuid4().hex[:12]}"  # a tag of its own: the broker may still hold the last one

    @property
    def is_stale(self) -> bool:
        """Whether its deliveries can no longer be settled: for who cannot take back what comes next."""
        return self._closed or self.session.is_lost or self._channel.is_closed

    @property
    def is_gone(self) -> bool:
        """Whether we were told that they cannot: a moment later, but it costs nothing to ask."""
        return self._closed or self.session.is_gone

    @property
    def is_taking(self) -> bool:
        """Whether the broker has confirmed the consumer, and nothing has ended it since."""
        return not self.over and not self.is_stale

    @property
    def broke_the_session(self) -> bool:
        """Whether something came here that could not be read, which ended the session."""
        return self.session.broken_on is not None and self.session.broken_on == self._channel.number

    @property
    def was_ended(self) -> bool:
        """Whether we asked it to end."""
        return self._ending is not None

    async def begin(self, take: Callable[[Incoming], None]) -> None:
        """Open the AMQP channel and start to consume.

        Raises:
            BrokerRefused: the user may not read from the queue.
            BrokerError: the broker went away, or the queue did.

        """
        async with losses_as_broker_errors(f"beginning to take from {self._queue}"):
            await self._channel.initialize(timeout=RPC_TIMEOUT)
            self._channel.close_callbacks.add(self._on_close)
            await self._channel.set_qos(prefetch_count=self.prefetch, timeout=RPC_TIMEOUT)
            underlay = await self._channel.get_underlay_channel()
            underlay.on_consumer_cancel_callbacks.add(self._on_cancel)
            self._acks = Acks(
                underlay, underlay.connection, self.prefetch, lambda: self.is_stale, self._count, self.look_after
            )
            self._on_short_way = install(underlay, self._tag, lambda one: self._note(one, take), self._on_close)
            try:
                # Not with the library's message class: it refuses odd properties, where nobody would see it.
                await underlay.basic_consume(
                    self._queue, self._callback(take), consumer_tag=self._tag, timeout=RPC_TIMEOUT
                )
            except ChannelAccessRefused as error:
                raise BrokerRefused(
                    f"the queue {self._queue} may not be read: {to_consume(self._queue, error)}"
                ) from error
            except REFUSALS as error:
                raise BrokerError(f"the queue {self._queue} cannot be taken from: {refusal_text(error)}") from error

    def _note(self, one: Incoming, take: Callable[[Incoming], None]) -> None:
        self.in_hand += 1
        self.taken += 1
        if self._acks is not None:
            self._acks.came(one.tag)
        take(one)

    def _callback(self, take: Callable[[Incoming], None]) -> Callable[[DeliveredMessage], Coroutine[Any, Any, None]]:
        # The library runs this in a task of the AMQP channel and cancels it with that: it must not do any work.
        async def callback(message: DeliveredMessage) -> None:
            self._note(incoming(message), take)

        return callback

    def look_after(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let something run to its end, whoever stops waiting for it."""
        task = asyncio.create_task(work)
        self._looked_after.add(task)
        task.add_done_callback(self._looked_after.discard)
        task.add_done_callback(self._hear)
        return task

    def _hear(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, BrokerError):
            log.error("a bug while a delivery of %s was settled", self._queue, exc_info=error)

    @property
    def gathers(self) -> bool:
        """Whether acks may wait for others.

        A spell that ends is not left before each answer was given, one by one; and without the intake nobody would know
        in time that the AMQP channel is closed.
        """
        return self._on_short_way and not self.over and self._ending is None

    def accept(self, tag: int, *, at_once: bool) -> None:
        """Ack a delivery together with others, a moment later, or with those that wait for that moment now."""
        assert self._acks is not None  # noqa: S101 - it has begun, else nothing would have come
        self._acks.add(tag, at_once=at_once)

    def _count(self, acks: int) -> None:
        """Count deliveries whose acks were written, or never will be."""
        self.in_hand -= acks
        if self.over and self.in_hand == 0:
            self._changed()
            self.look_after(self.close_if_done())

    async def answer(self, tag: int, *, ack: bool) -> None:
        """Tell the broker how a delivery ended: done, or to be handed out again.

        Raises:
            DeliveryLost: it did not hear it.

        """
        try:
            async with losses_as_broker_errors("saying how a delivery ended"):
                while not await self._say(tag, ack=ack):
                    if self.is_stale:
                        break
        except (*REFUSALS, BrokerError) as error:
            why = type(error.__cause__ or error).__name__
            raise DeliveryLost(f"the broker did not hear how the delivery ended ({why})") from error
        if self.is_stale:
            raise DeliveryLost("the broker did not hear how the delivery ended (the connection went)")
        if self._acks is not None:
            self._acks.answered(tag)

    async def _say(self, tag: int, *, ack: bool) -> bool:
        """Put it in line with all that is said on the AMQP channel; tell whether there was room for it.

        Neither for that nor for its being written it is waited without end: on a connection that dies meanwhile the
        library would do so for ever.
        """
        underlay = await self._channel.get_underlay_channel()
        try:
            async with asyncio.timeout(LOOK):
                await (underlay.basic_ack(tag, wait=False) if ack else underlay.basic_nack(tag, wait=False))
        except TimeoutError:
            return False
        return True

    async def end(self) -> None:
        """Take nothing new; what is in hand can still be settled.

        A broker that does not answer in time has its AMQP channel closed by the library: it hands everything out again.
        """
        if self._ending is None:
            self._ending = self.look_after(self._end())
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        if self._acks is not None:
            await self._acks.all_said()
        if self.is_taking:
            async with without_losses():
                underlay = await self._channel.get_underlay_channel()
                await underlay.basic_cancel(self._tag, timeout=RPC_TIMEOUT)
        self._on_cancel()

    async def let_go(self) -> None:
        """Count one delivery as settled."""
        self.in_hand -= 1
        if self.over and self.in_hand == 0:
            self._changed()
        await self.close_if_done()

    async def close_if_done(self) -> None:
        """Close the AMQP channel when nothing new comes and nothing is in hand."""
        if self.in_hand == 0 and self.over and not self.is_stale:
            await close(self._channel)

    def _on_close(self, *_: Any) -> None:
        self._closed = True
        self._on_cancel()

    def _on_cancel(self, *_: Any) -> None:
        self.over = True
        if self._acks is not None:
            self._acks.say()
        self._changed()
