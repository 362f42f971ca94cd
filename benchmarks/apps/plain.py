"""A consumer without a framework: pika, Jinja, smtplib. One process, one connection each, one mail after the other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pika

from benchmarks.apps.mailing import PREFETCH, URL, Post

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

post = Post()


def serve(channel: BlockingChannel, method: pika.spec.Basic.Deliver, _: pika.BasicProperties, body: bytes) -> None:
    """Send a mail, then acknowledge."""
    post.send(json.loads(body))
    channel.basic_ack(method.delivery_tag)


def main() -> None:
    """Consume until the end."""
    channel = pika.BlockingConnection(pika.URLParameters(URL)).channel()
    channel.queue_declare("plain", durable=True)
    channel.basic_qos(prefetch_count=PREFETCH)
    channel.basic_consume("plain", serve)
    channel.start_consuming()


if __name__ == "__main__":
    main()
