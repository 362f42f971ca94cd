"""Which RabbitMQ the demonstration may use.

It takes whatever lies in the queue `email`. So a broker that was there before is used only where that queue has neither
messages, which would be somebody's, nor consumers, which would take ours. To know that, it is asked about and not
touched: a passive declaration.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import aio_pika
from aio_pika import exceptions

from helpers import handshake, rabbitmq
from helpers.node import Node, NodeFailure

QUEUE = "email"
PATIENCE = 10.0


def find() -> rabbitmq.Broker:
    """Find or start a broker in which nobody is disturbed.

    Raises:
        NoBroker: there is none; the text says what to do.

    """
    broker = rabbitmq.find()
    trouble = None if broker.started else asyncio.run(look(broker.url))
    if trouble is None:
        return broker
    host, port = handshake.place(broker.url)
    print(f"RabbitMQ at {host}:{port} is left alone: {trouble}. Using one of our own.", file=sys.stderr, flush=True)
    try:
        return own()
    except rabbitmq.NoBroker as error:
        raise rabbitmq.NoBroker(
            f"RabbitMQ at {host}:{port} is not for us, {trouble}, and there is no other "
            f"({str(error).splitlines()[0]}): install rabbitmq-server, "
            f"or set {rabbitmq.VARIABLE} to a virtual host that nobody uses."
        ) from error


async def look(url: str) -> str | None:
    """Say in a few words why a broker is not to be used; `None` where nothing speaks against it."""
    try:
        connection = await aio_pika.connect(url, timeout=PATIENCE)
    except (exceptions.AMQPError, OSError, ValueError) as error:
        return f"it does not let us look into the queue {QUEUE} ({type(error).__name__})"
    async with connection:
        channel = await connection.channel()
        try:
            result = (await channel.declare_queue(QUEUE, passive=True)).declaration_result
        except exceptions.ChannelNotFoundEntity:
            return None
        except exceptions.AMQPError as error:
            return f"it does not let us look into the queue {QUEUE} ({type(error).__name__})"
        if result.message_count or result.consumer_count:
            counts = f"messages: {result.message_count}, consumers: {result.consumer_count}"
            return f"its queue {QUEUE} is in use ({counts})"
        return None


def own() -> rabbitmq.Broker:
    """Start a private node that nobody else knows of, and that is deleted afterwards.

    Raises:
        NoBroker: none can be had.

    """
    rabbitmq.ensure_server()
    rabbitmq.RUN.mkdir(exist_ok=True)
    # Not the node of `rabbitmq.py up` and `make up`: that may be the one in use.
    node = Node(Path(tempfile.mkdtemp(prefix="rabbitmq-", dir=rabbitmq.RUN)), usual_ports=True)
    try:
        node.start()
    except BaseException as error:  # Ctrl-C too: nothing may stay behind
        node.remove()
        if isinstance(error, NodeFailure):
            raise rabbitmq.NoBroker(str(error)) from error
        raise
    return rabbitmq.Broker(node.url, "a private node", node.management_url, node.remove, started=True)
