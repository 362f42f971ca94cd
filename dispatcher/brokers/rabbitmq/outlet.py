"""Where our messages leave for the broker: mandatory and confirmed, or an error."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.exceptions import DeliveryError, PublishError

from dispatcher.brokers.rabbitmq.envelope import write
from dispatcher.brokers.rabbitmq.losses import REFUSALS, losses_as_broker_errors, refusal_text
from dispatcher.words.errors import BrokerError
from dispatcher.words.messages import Message


class Unroutable(BrokerError):
    """The queue that a message was published to is not there."""


class Outlet:
    """Publishes on one connection, through an AMQP channel that is opened again when the broker has closed it.

    Args:
        connection: used for nothing else, because a broker under memory pressure stops reading from it.
        timeout: seconds for a confirmation.

    """

    def __init__(self, connection: aio_pika.abc.AbstractConnection, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout
        self._channel: aio_pika.abc.AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._in_flight: dict[str, asyncio.Future[None]] = {}

    async def publish(self, queue: str, message: Message) -> None:
        """Publish to a queue through the default exchange; return when the broker has confirmed it.

        Raises:
            Unroutable: there is no such queue.
            BrokerError: not confirmed; the broker may have it nevertheless.

        """
        try:
            async with self._alone(message.id), losses_as_broker_errors("publishing"), asyncio.timeout(self._timeout):
                channel = await self._open_channel()
                await self._publish(channel, queue, message)
        except BrokerError as error:
            if isinstance(error.__cause__, TimeoutError):
                raise BrokerError(f"the broker does not confirm within {self._timeout:g} s") from error
            raise

    async def _publish(self, channel: aio_pika.abc.AbstractChannel, queue: str, message: Message) -> None:
        try:
            await channel.default_exchange.publish(write(message), routing_key=queue, mandatory=True)
        except PublishError as error:
            raise Unroutable(f"the queue {queue} is missing") from error
        except DeliveryError as error:
            raise BrokerError(f"the queue {queue} takes nothing more (the broker said no to a message)") from error
        except REFUSALS as error:
            raise BrokerError(f"nothing may be published to the queue {queue}: {refusal_text(error)}") from error

    async def unblocked(self) -> None:
        """Wait while the broker refuses to read from publishers (a memory or disk alarm).

        What is published meanwhile stays in the socket and is taken in later, so a second try would make a duplicate.
        """
        transport = self._connection.transport
        if transport is not None:
            await transport.connection.ready()

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
