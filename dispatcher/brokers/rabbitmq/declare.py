"""Making the queues.

Each on an AMQP channel of its own: the broker closes the AMQP channel of a refused declaration, and with it would go
every delivery that is on it.

Whatever exists already is used as it is. Nothing is ever deleted or made again.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import aio_pika
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelLockedResource,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)

from dispatcher.brokers.rabbitmq.apart import RPC_TIMEOUT, channel_apart
from dispatcher.brokers.rabbitmq.losses import REFUSALS, refusal_text
from dispatcher.brokers.rabbitmq.refusals import to_bind, to_declare, to_make_the_exchange
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

log = logging.getLogger(__name__)


class Declarer:
    """Makes the queues of a work queue; says each difference once.

    Args:
        ladder: the rungs, one delay queue each.
        queue_type: the kind of the work queues that are missing.
        strict: a difference of an existing work queue is an error.

    Attributes:
        lacks: the rights that were missing and that it does without, a sentence for each.

    """

    def __init__(self, ladder: Ladder, queue_type: QueueType, *, strict: bool) -> None:
        self._ladder = ladder
        self._queue_type = queue_type
        self._strict = strict
        self._said: set[str] = set()
        self.lacks: list[str] = []

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
        lack = await to_declare(connection, queue, work_arguments(queue, self._queue_type), refusal)
        try:
            waiting = await _declare(connection, queue, {}, passive=True)
        except ChannelNotFoundEntity:
            raise BrokerRefused(f"the queue {queue} is missing and may not be made: {lack}") from refusal
        except REFUSALS as error:
            raise BrokerRefused(f"the queue {queue} may not be used: {refusal_text(error)}") from error
        self._lack(f"the queue {queue} may not be declared, and is used as it is: {lack}")
        return waiting

    async def _our_queue(
        self, connection: aio_pika.abc.AbstractConnection, name: str, arguments: Mapping[str, Any], what: str
    ) -> None:
        try:
            await _declare(connection, name, arguments)
        except (ChannelLockedResource, ChannelPreconditionFailed) as error:
            raise BrokerRefused(
                f"the queue {name} exists and differs from what keeps messages safe: {refusal_text(error)}; "
                "remove it by hand when it is empty and start again"
            ) from error
        except ChannelAccessRefused as error:
            lack = await to_declare(connection, name, arguments, error)
            raise BrokerRefused(f"the queue {name} may not be made, {what}: {lack}") from error

    async def declare_exchange(self, connection: aio_pika.abc.AbstractConnection, queue: str) -> None:
        """Make the exchange for publishers. Nothing of ours depends on it, so a refusal is only said.

        Raises:
            BrokerError: the broker went away or did not answer.

        """
        made = False
        unusable = f"publishers cannot use the exchange {EXCHANGE} for {queue}, only the queue {queue} itself"
        try:
            async with channel_apart(connection) as channel:
                exchange = await channel.declare_exchange(EXCHANGE, "direct", durable=True, timeout=RPC_TIMEOUT)
                made = True
                await (await channel.get_queue(queue, ensure=False)).bind(exchange, queue, timeout=RPC_TIMEOUT)
        except ChannelAccessRefused as error:
            self._lack(f"{unusable}: {to_bind(queue, error) if made else to_make_the_exchange(error)}")
        except REFUSALS as error:
            self._warn(f"{unusable}: {refusal_text(error)}")

    async def declare_retry(self, connection: aio_pika.abc.AbstractConnection, queue: str, rung: timedelta) -> None:
        """Make one delay queue; raises as `declare`."""
        what = "where messages wait for another attempt"
        await self._our_queue(connection, retry_queue(queue, rung), retry_arguments(queue, rung), what)

    async def declare_dead(self, connection: aio_pika.abc.AbstractConnection, queue: str) -> None:
        """Make the queue of the dead letters; raises as `declare`."""
        what = "where messages are kept that cannot be sent"
        await self._our_queue(connection, dead_queue(queue), dead_arguments(), what)

    def _lack(self, sentence: str) -> None:
        if sentence not in self.lacks:
            self.lacks.append(sentence)
        self._warn(sentence)

    def _warn(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            log.warning(sentence)


async def _declare(
    connection: aio_pika.abc.AbstractConnection, name: str, arguments: Mapping[str, Any], *, passive: bool = False
) -> int:
    """Declare a queue; give how many messages wait in it."""
    async with channel_apart(connection) as channel:
        queue = await channel.declare_queue(
            name, durable=True, passive=passive, arguments=dict(arguments) or None, timeout=RPC_TIMEOUT
        )
    return queue.declaration_result.message_count or 0
