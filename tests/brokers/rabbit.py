"""What the tests of the RabbitMQ adapter share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from pydantic import SecretStr

from dispatcher.brokers.rabbitmq import RabbitBroker, RabbitSettings
from helpers.node import Node
from tests.brokers.contract import LADDER, WITHIN
from tests.proxy import Proxy


def settings(node: Node, url: str | None = None, **changes: object) -> RabbitSettings:
    return RabbitSettings(url=SecretStr(url or node.url), **changes)


@asynccontextmanager
async def connected(wanted: RabbitSettings) -> AsyncIterator[RabbitBroker]:
    broker = RabbitBroker(wanted, LADDER)
    try:
        async with asyncio.timeout(WITHIN):
            await broker.start()
        yield broker
    finally:
        await broker.close()


@asynccontextmanager
async def operator(node: Node, virtual_host: str = "") -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """Give an AMQP channel to do what publishers and operators do."""
    async with await aio_pika.connect(node.url + virtual_host) as connection:
        yield await connection.channel()


def through(proxy: Proxy) -> str:
    return f"amqp://guest:guest@127.0.0.1:{proxy.port}/"


async def consumers(node: Node, queue: str) -> bool:
    """Tell whether somebody takes deliveries from a queue."""
    async with operator(node) as channel:
        try:
            found = await channel.declare_queue(queue, passive=True)
        except aio_pika.exceptions.ChannelClosed:
            return False
    return 0 < (found.declaration_result.consumer_count or 0)


def amqp_channels(connection: aio_pika.abc.AbstractConnection) -> int:
    """Count what is open on a connection of ours."""
    assert connection.transport is not None
    return sum(channel is not None for channel in connection.transport.connection.channels.values())
