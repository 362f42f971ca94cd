"""FastStream: asynchronous, on uvloop, acknowledged when done."""

from __future__ import annotations

from typing import Any

from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

from benchmarks.apps.mailing import PREFETCH, URL, AsyncPost

broker = RabbitBroker(URL, default_channel=Channel(prefetch_count=PREFETCH), logger=None)
app = FastStream(broker, logger=None)
posts: list[AsyncPost] = []


@broker.subscriber(RabbitQueue("faststream", durable=True), ack_policy=AckPolicy.NACK_ON_ERROR)
async def send_mail(mail: dict[str, Any]) -> None:
    """Send a mail."""
    if not posts:
        posts.append(AsyncPost())  # within the event loop that will use it
    await posts[0].send(mail)
