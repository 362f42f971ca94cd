"""Dramatiq: RabbitMQ, its default middleware, its default of eight threads in each process."""

from __future__ import annotations

from typing import Any

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from benchmarks.apps.mailing import URL, Post

dramatiq.set_broker(RabbitmqBroker(url=URL))
post = Post()


@dramatiq.actor(actor_name="send_mail", queue_name="dramatiq")
def send_mail(mail: dict[str, Any]) -> None:
    """Send a mail."""
    post.send(mail)
