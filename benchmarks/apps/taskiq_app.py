"""taskiq with taskiq-aio-pika: asynchronous, on uvloop, acknowledged when done."""

from __future__ import annotations

from typing import Any

from taskiq_aio_pika import AioPikaBroker, Exchange, Queue, QueueType

from benchmarks.apps.mailing import PREFETCH, URL, AsyncPost

broker = AioPikaBroker(
    URL,
    qos=PREFETCH,
    exchange=Exchange(name="taskiq"),
    task_queues=[Queue(name="taskiq", type=QueueType.CLASSIC)],
    dead_letter_queue=Queue(name="taskiq.dead", type=QueueType.CLASSIC),
)
posts: list[AsyncPost] = []


@broker.task(task_name="send_mail")
async def send_mail(mail: dict[str, Any]) -> None:
    """Send a mail."""
    if not posts:
        posts.append(AsyncPost())  # within the event loop that will use it
    await posts[0].send(mail)
