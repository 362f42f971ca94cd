"""Which right the broker missed when it said no: half a sentence that goes behind what cannot be done without it.

RabbitMQ 3.13 and older say only what the right is about, so that it takes a second look to know which one it is.
"""

from collections.abc import Mapping
from typing import Any

import aio_pika
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity

from dispatcher.brokers.rabbitmq.apart import RPC_TIMEOUT, channel_apart
from dispatcher.brokers.rabbitmq.losses import refusal_text
from dispatcher.brokers.rights import Right, missing, named
from dispatcher.brokers.topology import DEFAULT_EXCHANGE, EXCHANGE


async def to_declare(
    connection: aio_pika.abc.AbstractConnection, queue: str, arguments: Mapping[str, Any], error: Exception
) -> str:
    """Say which right was missing to declare a queue.

    Raises:
        BrokerError: the broker went away before that was known.

    """
    refusal = refusal_text(error)
    if f"'{DEFAULT_EXCHANGE}'" in refusal:
        return missing(Right.WRITE, DEFAULT_EXCHANGE, refusal)
    right = named(refusal)
    if right is None:
        dead_letters = "x-dead-letter-exchange" in arguments  # only that asks for more than to configure
        is_read = dead_letters and not await _is_there(connection, queue) and not await _may_read(connection, queue)
        right = Right.READ if is_read else Right.CONFIGURE
    return missing(right, queue, refusal)


def to_make_the_exchange(error: Exception) -> str:
    """Say which right was missing to make the exchange for publishers."""
    return missing(Right.CONFIGURE, EXCHANGE, refusal_text(error))


def to_bind(queue: str, error: Exception) -> str:
    """Say which right was missing to bind a work queue to the exchange for publishers."""
    refusal = refusal_text(error)
    if f"queue '{queue}'" in refusal:
        return missing(Right.WRITE, queue, refusal)
    return missing(Right.READ, EXCHANGE, refusal)


def to_publish(exchange: str, error: BaseException) -> str:
    """Say which right was missing to publish through an exchange; the default one has no name."""
    return missing(Right.WRITE, exchange or DEFAULT_EXCHANGE, refusal_text(error))


def to_consume(queue: str, error: Exception) -> str:
    """Say which right was missing to take from a queue."""
    return missing(Right.READ, queue, refusal_text(error))


async def _is_there(connection: aio_pika.abc.AbstractConnection, queue: str) -> bool:
    try:
        async with channel_apart(connection) as channel:
            await channel.declare_queue(queue, passive=True, timeout=RPC_TIMEOUT)
    except (ChannelAccessRefused, ChannelNotFoundEntity) as error:
        return isinstance(error, ChannelAccessRefused)
    return True


async def _may_read(connection: aio_pika.abc.AbstractConnection, queue: str) -> bool:
    """Ask to take from a queue that is not there: the right is looked at first, and nothing can come of it."""
    try:
        async with channel_apart(connection) as channel:
            await (await channel.get_underlay_channel()).basic_consume(queue, _nothing, timeout=RPC_TIMEOUT)
    except ChannelAccessRefused:
        return False
    except ChannelNotFoundEntity:
        pass
    return True


async def _nothing(_: object) -> None:
    """Take nothing: what comes is given back when the AMQP channel is closed."""
