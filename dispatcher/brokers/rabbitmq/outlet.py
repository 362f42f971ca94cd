"""Where our messages leave for the broker: mandatory and confirmed, or an error."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import uuid4

import aio_pika
from aio_pika.exceptions import DeliveryError, PublishError
from aiormq.exceptions import ChannelAccessRefused

from dispatcher.brokers.rabbitmq.envelope import write
from dispatcher.brokers.rabbitmq.losses import REFUSALS, close, losses_as_broker_errors, refusal_text
from dispatcher.brokers.rabbitmq.refusals import to_publish
from dispatcher.words.errors import BrokerError, BrokerRefused
from dispatcher.words.messages import Message

BLOCKED = "RabbitMQ takes in nothing that is published (a memory or disk alarm)"

GAUGE = 0.1
"""Seconds between two looks at whether the broker has stopped to read: it says so only to who publishes."""

LOOK = 2.0
"""Seconds to find out whether anything may be published: a broker with an alarm does not say."""


class Unroutable(BrokerError):
    """The queue that a message was published to is not there."""


class NotPermitted(BrokerError):
    """The right to publish is missing."""


class Outlet:
    """Publishes on one connection, through an AMQP channel that is opened again when the broker has closed it.

    Args:
        connection: used for nothing else, because a broker under memory pressure stops reading from it.
        timeout: seconds for a confirmation.
        changed: called when the broker stops reading what is published, and when it reads again.

    Attributes:
        blocked: the broker does not read what is published (a memory or disk alarm).

    """

    def __init__(
        self, connection: aio_pika.abc.AbstractConnection, timeout: float, changed: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._timeout = timeout
        self._changed = changed
        self.blocked = False
        self._is_permitted = False
        self._gauging: asyncio.Task[None] | None = None
        self._patient: set[asyncio.Timeout] = set()
        self._channel: aio_pika.abc.AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._uses: Counter[aio_pika.abc.AbstractChannel] = Counter()
        self._closing: set[asyncio.Task[None]] = set()
        self._in_flight: dict[str, asyncio.Future[None]] = {}

    async def publish(self, queue: str, message: Message, *, exchange: str = "", patient: bool = False) -> None:
        """Publish to a queue; return when the broker has confirmed it.

        Args:
            queue: its name.
            message: what to publish.
            exchange: through which; the default one has no name.
            patient: the time that the broker does not read does not count: what it has not read is still under way, and
                whoever published it again would make two of it.

        Raises:
            Unroutable: there is no such queue, or the exchange does not lead to it.
            NotPermitted: the right to publish through the exchange is missing.
            BrokerError: not confirmed; the broker may have it nevertheless.

        """
        try:
            async with self._alone(message.id), losses_as_broker_errors("publishing"), self._in_time(patient=patient):
                self._gauge()
                with self._use(await self._open_channel()) as channel:
                    await self._publish(channel, exchange, queue, message)
        except BrokerError as error:
            if isinstance(error.__cause__, TimeoutError):
                raise BrokerError(f"the broker does not confirm within {self._timeout:g} s") from error
            raise

    async def look(self) -> None:
        """Find out whether copies can be kept, with a message to a queue that there is not: it goes nowhere.

        Whatever hinders it but a missing right shows elsewhere, and passes.

        Raises:
            BrokerRefused: the right to publish is missing.

        """
        if self._is_permitted or self.blocked:
            return
        nobody = f"dispatcher-{uuid4().hex}"
        try:
            async with asyncio.timeout(LOOK):
                await self.publish(nobody, Message(body=b"", id=nobody))
        except Unroutable:
            self._is_permitted = True
        except NotPermitted as error:
            why = to_publish("", error.__cause__ or error)
            raise BrokerRefused(f"no copy of a message can be kept, for another attempt or for good: {why}") from error
        except (BrokerError, TimeoutError):
            pass

    @asynccontextmanager
    async def _in_time(self, *, patient: bool) -> AsyncIterator[None]:
        async with asyncio.timeout(None if patient and self.blocked else self._timeout) as limit:
            if patient:
                self._patient.add(limit)
            try:
                yield
            finally:
                self._patient.discard(limit)

    async def _publish(
        self, channel: aio_pika.abc.AbstractChannel, exchange: str, queue: str, message: Message
    ) -> None:
        try:
            through = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
            await through.publish(write(message), routing_key=queue, mandatory=True)
        except PublishError as error:
            missing = f"the exchange {exchange} does not lead to the queue {queue}" if exchange else ""
            raise Unroutable(missing or f"the queue {queue} is missing") from error
        except DeliveryError as error:
            self._set_aside(channel)
            raise BrokerError(f"the queue {queue} takes nothing more (the broker said no to a message)") from error
        except ChannelAccessRefused as error:
            why = to_publish(exchange, error)
            raise NotPermitted(f"nothing may be published to the queue {queue}: {why}") from error
        except REFUSALS as error:
            raise BrokerError(f"nothing may be published to the queue {queue}: {refusal_text(error)}") from error

    def _set_aside(self, channel: aio_pika.abc.AbstractChannel) -> None:
        """Open another AMQP channel next time; this one is closed when its last publication has ended.

        To whom RabbitMQ 3.10 has said no once because a queue was full, it says no for ever when the limit is taken
        away before the queue has room; to a new AMQP channel it says yes.
        """
        if channel is self._channel:
            self._channel = None

    @contextmanager
    def _use(self, channel: aio_pika.abc.AbstractChannel) -> Iterator[aio_pika.abc.AbstractChannel]:
        """Count a publication on an AMQP channel."""
        self._uses[channel] += 1
        try:
            yield channel
        finally:
            self._uses[channel] -= 1
            if not self._uses[channel]:
                del self._uses[channel]
                if channel is not self._channel:
                    closing = asyncio.create_task(close(channel))
                    self._closing.add(closing)
                    closing.add_done_callback(self._closing.discard)

    async def unblocked(self) -> None:
        """Wait while the broker refuses to read from publishers; for ever, once the connection is lost."""
        transport = self._connection.transport
        if transport is not None:
            await transport.connection.ready()

    def forget(self) -> None:
        """Drop what the broker said on the connection, which is gone."""
        self.blocked = False
        if self._gauging is not None:
            self._gauging.cancel()

    def _gauge(self) -> None:
        """Look whether the broker reads, as long as something is in flight: the library has no callback for it."""
        if self._gauging is None or self._gauging.done():
            self._gauging = asyncio.create_task(self._keep_gauging(), name="blocked?")

    async def _keep_gauging(self) -> None:
        while self._in_flight:
            await asyncio.sleep(GAUGE)
            unblocked = asyncio.ensure_future(self.unblocked())
            await asyncio.sleep(0)  # it is done at once, or not before the broker says so
            if not unblocked.done():
                self._note(blocked=True)
                await unblocked
                self._note(blocked=False)

    def _note(self, *, blocked: bool) -> None:
        self.blocked = blocked
        for limit in self._patient:
            with contextlib.suppress(RuntimeError):  # one that runs out in this moment
                limit.reschedule(None if blocked else asyncio.get_running_loop().time() + self._timeout)
        self._changed()

    async def _open_channel(self) -> aio_pika.abc.AbstractChannel:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                channel = aio_pika.Channel(self._connection, publisher_confirms=True, on_return_raises=True)
                await channel.initialize()
                self._channel = channel
        return self._channel

    @asynccontextmanager
    async def _alone(self, message_id: str) -> AsyncIterator[None]:
        """Keep two messages of one id from being in flight together: a returned one is recognised by its id."""
        while (other := self._in_flight.get(message_id)) is not None:
            await asyncio.shield(other)
        mine = self._in_flight[message_id] = asyncio.get_running_loop().create_future()
        try:
            yield
        finally:
            del self._in_flight[message_id]
            mine.set_result(None)
