"""An AMQP channel for one question: the broker closes the one on which it says no, with all that is on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika

from dispatcher.brokers.rabbitmq.losses import losses_as_broker_errors

RPC_TIMEOUT = 30.0
"""Seconds for the broker to answer a declaration: a queue whose leader is lost lets it hang."""


@asynccontextmanager
async def channel_apart(
    connection: aio_pika.abc.AbstractConnection, doing: str = "declaring queues"
) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """Open one; what goes wrong on it, other than a refusal, becomes a `BrokerError` that says what was being done."""
    async with losses_as_broker_errors(doing):
        channel = aio_pika.Channel(connection, publisher_confirms=False)
        await channel.initialize(timeout=RPC_TIMEOUT)
        yield channel
        await channel.close()
