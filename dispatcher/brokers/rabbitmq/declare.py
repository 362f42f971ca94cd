"""Making the queues.

Each on an AMQP channel of its own: the broker closes the AMQP channel of a refused declaration, and with it would go
every delivery that is on it.

Whatever exists already is used as it is. Nothing is ever deleted or made again.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aio_pika
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelLockedResource,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)

from dispatcher.brokers.rabbitmq.losses import REFUSALS, losses_as_broker_errors, refusal_text
from dispatcher.brokers.topology import (
    EXCHANGE,
    QueueType,
    dead_arguments,
    dead_queue,
    retry_arguments,
    retry_queue,
    work_arguments,
)
from dispatcher.words.errors import BrokerRefused
from dispatcher.words.retries import Ladder

RPC_TIMEOUT = 30.0
"""Seconds for the broker to answer a declaration: a queue whose leader is lost lets it hang."""

log = logging.getLogger(__name__)


class Declarer:
    """Makes the queues of a work queue; says each difference once.

    Args:
        ladder: the rungs, one delay queue each.
        queue_type: the kind of the work queues that are missing.
        strict: a difference of an existing work queue is an error.

    """

    def __init__(self, ladder: Ladder, queue_type: QueueType, *, strict: bool) -> None:
        self._ladder = ladder
        self._queue_type = queue_type
        self._strict = strict
        self._said: set[str] = set()

    async def declare(self, connection: aio_pika.abc.AbstractConnection, queue: str) -> int:
        """Make everything that belongs to a work queue; give how many messages wait in it.

        Raises:
            BrokerRefused: not permitted, or an existing queue that differs where it must not.
            BrokerError: the broker went away or did not answer.

        """
        waiting = await self._work_queue(connection, queue)
        for rung in self._ladder.delays:
            await self.declare_retry(connection, queue, rung)
        await self.declare_dead(connection, queue)
        await self.declare_exchange(connection, queue)
        return waiting

    async def _work_queue(self, connection: aio_pika.abc.AbstractConnection, queue: str) -> int:
        try:
            return await _declare(connection, queue, work_arguments(queue, self._queue_type))
        except ChannelLockedResource as error:
            raise BrokerRefused(
                f"the queue {queue} belongs to another connection alone: {refusal_text(error)}"
            ) from error
        except ChannelPreconditionFailed as error:
            difference = f"the queue {queue} exists and differs: {refusal_text(error)}"
            if self._strict:
                raise BrokerRefused(
                    f"{difference}; use it as it is (strict: false), or remove it by hand and start again"
                ) from error
            self._warn(f"{difference}; it is used as it is")
            return await _declare(connection, queue, {}, passive=True)
        except ChannelAccessRefused as error:
            return await self._foreign_queue(connection, queue, error)

    async def _foreign_queue(
        self, connection: aio_pika.abc.AbstractConnection, queue: str, refusal: ChannelAccessRefused
    ) -> int:
        """Use a queue that we may not declare but that somebody else has made."""
        try:
            waiting = await _declare(connection, queue, {}, passive=True)
        except ChannelNotFoundEntity:
            raise BrokerRefused(
                f"the queue {queue} is missing and may not be made: {refusal_text(refusal)}; "
                f"make it, or give the user the permission to configure '{queue}.*'"
            ) from refusal
        except REFUSALS as error:
            raise BrokerRefused(f"the queue {queue} may not be used: {refusal_text(error)}") from error
        self._warn(f"the queue {queue} may not be declared ({refusal_text(refusal)}); it is used as it is")
        return waiting

    async def _our_queue(
        self, connection: aio_pika.abc.AbstractConnection, name: str, arguments: Mapping[str, Any]
    ) -> None:
        try:
            await _declare(connection, name, arguments)
        except (ChannelLockedResource, ChannelPreconditionFailed) as error:
            raise BrokerRefused(
                f"the queue {name} exists and differs from what keeps messages safe: {refusal_text(error)}; "
                "remove it by hand when it is empty and start again"
            ) from error
        except ChannelAccessRefused as error:
            raise BrokerRefused(
                f"the queue {name} may not be made: {refusal_text(error)}; "
                "give the user the permission to configure it, to write to it and to read from it"
            ) from error

    async def declare_exchange(self, connection: aio_pika.abc.AbstractConnection, queue: str) -> None:
        """Make the exchange for publishers. Nothing of ours depends on it, so a refusal is only said.

        Raises:
            BrokerError: the broker went away or did not answer.

        """
        try:
            async with _channel(connection) as channel:
                exchange = await channel.declare_exchange(EXCHANGE, "direct", durable=True, timeout=RPC_TIMEOUT)
                await (await channel.get_queue(queue, ensure=False)).bind(exchange, queue, timeout=RPC_TIMEOUT)
        except REFUSALS as error:
            self._warn(
                f"publishers cannot use the exchange {EXCHANGE} for {queue}: {refusal_text(error)}; "
                f"they can still publish to the queue {queue} itself"
            )

    async def declare_retry(self, connection: aio_pika.abc.AbstractConnection, queue: str, rung: timedelta) -> None:
        """Make one delay queue; raises as `declare`."""
        await self._our_queue(connection, retry_queue(queue, rung), retry_arguments(queue, rung))

    async def declare_dead(self, connection: aio_pika.abc.AbstractConnection, queue: str) -> None:
        """Make the queue of the dead letters; raises as `declare`."""
        await self._our_queue(connection, dead_queue(queue), dead_arguments())

    def _warn(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            log.warning(sentence)


@asynccontextmanager
async def _channel(connection: aio_pika.abc.AbstractConnection) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """Open a throw-away AMQP channel; what goes wrong on it, other than a refusal, becomes a `BrokerError`."""
    async with losses_as_broker_errors("declaring queues"):
        channel = aio_pika.Channel(connection, publisher_confirms=False)
        await channel.initialize(timeout=RPC_TIMEOUT)
        yield channel
        await channel.close()


async def _declare(
    connection: aio_pika.abc.AbstractConnection, name: str, arguments: Mapping[str, Any], *, passive: bool = False
) -> int:
    """Declare a queue; give how many messages wait in it."""
    async with _channel(connection) as channel:
        queue = await channel.declare_queue(
            name, durable=True, passive=passive, arguments=dict(arguments) or None, timeout=RPC_TIMEOUT
        )
    return queue.declaration_result.message_count or 0
