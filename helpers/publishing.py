"""Put messages into queues the way `docs/messages.md` tells strangers to: persistent, confirmed, never dropped."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import aio_pika
from aio_pika import exceptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aio_pika.abc import AbstractChannel, AbstractConnection

    from helpers.notifications import Prepared

VARIABLE = "DISPATCHER_BROKERS__RABBITMQ__URL"
PATIENCE = 10
IN_FLIGHT = 100  # unconfirmed messages at a time: more make nothing faster


class CannotSend(Exception):
    """Publishing is not possible; the text is a sentence for whoever tried."""


async def publish(
    prepared: Sequence[Prepared], url: str, rate: float | None = None, told: Callable[[], None] = lambda: None
) -> dict[str, float]:
    """Publish all.

    Args:
        prepared: what to publish.
        url: of the broker.
        rate: so many a second; as fast as it goes without.
        told: called each time that the broker has confirmed one.

    Returns:
        when the broker had each of them, in seconds since the epoch, by message id.

    Raises:
        CannotSend: the broker is not there, or does not take them.

    """
    times: dict[str, float] = {}

    async def publish_one(channel: AbstractChannel, one: Prepared) -> None:
        await _publish_one(channel, one)
        times[one.message_id] = time.time()
        told()

    connection = await _connect(url)
    try:
        for queue in dict.fromkeys(one.queue for one in prepared):
            await _ensure(connection, queue)
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        start = asyncio.get_running_loop().time()
        at_once = IN_FLIGHT if rate is None else 1
        for first in range(0, len(prepared), at_once):
            if rate is not None:
                await asyncio.sleep(start + first / rate - asyncio.get_running_loop().time())
            await asyncio.gather(*(publish_one(channel, one) for one in prepared[first : first + at_once]))
    except (exceptions.AMQPError, OSError) as error:
        raise CannotSend(f"The broker would not take it: {error}") from error
    finally:
        await connection.close()
    return times


async def _publish_one(channel: AbstractChannel, one: Prepared) -> None:
    message = aio_pika.Message(
        one.body,
        message_id=one.message_id,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
    await channel.default_exchange.publish(message, routing_key=one.queue, mandatory=True, timeout=PATIENCE)


async def _connect(url: str) -> AbstractConnection:
    try:
        where = aio_pika.connection.make_url(url)
        place = f"{where.host}:{where.port or 5672}"
    except ValueError as error:
        raise CannotSend(f"The URL of the broker cannot be read: {error}") from error
    if where.scheme not in {"amqp", "amqps"}:
        raise CannotSend("The URL of the broker must begin with amqp:// or amqps://.")
    try:
        return await aio_pika.connect(where, timeout=PATIENCE)
    except exceptions.ProbableAuthenticationError as error:
        raise CannotSend(f"The broker at {place} refuses the login of {where.user}.") from error
    except (exceptions.AMQPError, OSError) as error:  # a time-out is an OSError
        if isinstance(error, exceptions.AMQPConnectionError | OSError):
            raise CannotSend(
                f"No broker answers at {place}; `make up` starts one, --url or {VARIABLE} names another."
            ) from error
        raise CannotSend(f"The broker at {place} has no such virtual host, or not for {where.user}.") from error


async def _ensure(connection: AbstractConnection, queue: str) -> None:
    """Declare the queue where there is none; whatever is there already is used as it is."""
    looking = await connection.channel()
    try:
        await looking.declare_queue(queue, passive=True)
    except exceptions.ChannelNotFoundEntity:
        declaring = await connection.channel()
        await declaring.declare_queue(queue, durable=True)
        await declaring.close()
    else:
        await looking.close()
