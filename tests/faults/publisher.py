"""A program outside that publishes numbered messages with confirms, and knows which of them the broker has."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

import aio_pika
from aio_pika.exceptions import AMQPError

from tests.proxy import Proxy


@contextmanager
def broker_may_be_away() -> Iterator[None]:
    """Let the block end early where the broker is gone, or goes: in one of the many words of its library."""
    try:
        yield
    except (AMQPError, OSError, RuntimeError):
        pass
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # really; else the library says so that a connection is lost
            raise


@asynccontextmanager
async def operator(url: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """Give an AMQP channel to do what publishers and operators do."""
    async with await aio_pika.connect(url, timeout=5) as connection:
        yield await connection.channel(on_return_raises=True)


def through(proxy: Proxy, virtual_host: str) -> str:
    """Give the URL of a broker behind a proxy."""
    return f"amqp://guest:guest@127.0.0.1:{proxy.port}/{virtual_host}"


class Publisher:
    """Publishes `m0`, `m1` … to one queue.

    Attributes:
        url: the broker, with its virtual host.
        queue: the work queue.
        arguments: with which the queue is made, when it is missing.
        expected: the ids that the broker confirmed: these must not get lost.
        unsure: those that were published without an answer: they may come or not, but not twice.

    """

    def __init__(self, url: str, queue: str, arguments: dict[str, Any] | None = None) -> None:
        self.url = url
        self.queue = queue
        self.arguments = arguments or {}
        self.expected: set[str] = set()
        self.unsure: set[str] = set()
        self._numbers = 0

    def operator(self) -> AbstractAsyncContextManager[aio_pika.abc.AbstractChannel]:
        """Give an AMQP channel at its broker."""
        return operator(self.url)

    async def publish(self, count: int, **fields: Any) -> list[str]:
        """Publish a backlog; give its ids. The queue is made when missing."""
        async with self.operator() as channel:
            await channel.declare_queue(self.queue, durable=True, arguments=self.arguments, timeout=10)
            ids = [self._next() for _ in range(count)]
            for first in range(0, count, 500):
                await asyncio.gather(*(self._publish(channel, one, fields) for one in ids[first : first + 500]))
        return ids

    @asynccontextmanager
    async def flow(self, rate: float = 50.0, **fields: Any) -> AsyncIterator[None]:
        """Publish so many a second, one after another, until the end of the block, whatever the broker does."""
        ending = asyncio.Event()
        flowing = asyncio.create_task(self._flow(1 / rate, ending, fields))
        try:
            yield
        finally:
            ending.set()
            await flowing

    async def _flow(self, pause: float, ending: asyncio.Event, fields: dict[str, Any]) -> None:
        while not ending.is_set():
            with broker_may_be_away():
                async with self.operator() as channel:
                    while not ending.is_set():
                        await self._publish(channel, self._next(), fields)
                        await asyncio.sleep(pause)
            await asyncio.sleep(pause)

    async def _publish(self, channel: aio_pika.abc.AbstractChannel, message_id: str, fields: dict[str, Any]) -> None:
        to = f"{message_id}@example.org"
        body = {"template": "hello", "to": to, "subject": message_id, "parameters": {"name": "Ada"}, **fields}
        message = aio_pika.Message(
            json.dumps(body).encode(),
            message_id=message_id,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        self.unsure.add(message_id)
        await channel.default_exchange.publish(message, routing_key=self.queue, timeout=5)
        self.unsure.discard(message_id)
        self.expected.add(message_id)

    def _next(self) -> str:
        self._numbers += 1
        return f"m{self._numbers - 1}"
