"""A publisher and onlooker: fills queues, and counts what is in them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pika
from pika.exceptions import ChannelClosedByBroker

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from benchmarks.envelopes import Envelope


@dataclass(frozen=True)
class Seen:
    """A queue: messages that nobody has, and who consumes."""

    messages: int
    consumers: int


class Queues:
    """A connection to the broker, for as long as `with` lasts."""

    def __init__(self, url: str) -> None:
        """Prepare it."""
        self._parameters = pika.URLParameters(url)
        self._parameters.heartbeat = 0  # nobody serves it during a round

    def __enter__(self) -> Self:
        self._connection = pika.BlockingConnection(self._parameters)
        self._channel = self._connection.channel()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.suppress(pika.exceptions.AMQPError):
            self._connection.close()

    def publish(self, queue: str, envelopes: Iterable[Envelope]) -> None:
        """Publish persistent messages; return when all of them are in the queue."""
        for one in envelopes:
            self.send(queue, one)
        self.look(queue)  # asked behind all of them, answered after all of them

    def send(self, queue: str, one: Envelope) -> None:
        """Publish one, and do not wait."""
        properties = pika.BasicProperties(delivery_mode=2, headers=one.headers or None, **one.properties)
        self._channel.basic_publish("", queue, one.body, properties)

    def look(self, queue: str) -> Seen:
        """Look at a queue; one that is not there is empty."""
        try:
            found = self._channel.queue_declare(queue, passive=True).method
        except ChannelClosedByBroker:
            self._channel = self._connection.channel()
            return Seen(0, 0)
        return Seen(found.message_count, found.consumer_count)

    def declare(self, queue: str) -> None:
        """Make a durable queue."""
        self._channel.queue_declare(queue, durable=True)

    def delete(self, queue: str) -> None:
        """Delete a queue, whatever is in it."""
        self._channel.queue_delete(queue)
