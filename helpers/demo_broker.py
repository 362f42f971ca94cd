"""Which RabbitMQ the demonstration may use.

It takes whatever lies in the queues `email`, `telegram` and `slack`. So a broker that was there before is used only
where they, what waits to come back to them, and their dead letters have neither messages, which would be somebody's,
nor consumers, which would take ours.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from aio_pika import exceptions

from helpers import demo_queues, handshake, rabbitmq
from helpers.node import Node, NodeFailure


def find() -> rabbitmq.Broker:
    """Find or start a broker in which nobody is disturbed.

    Raises:
        NoBroker: there is none; the text says what to do.

    """
    broker = rabbitmq.configured() or rabbitmq.in_docker()
    if broker is None:
        return own()
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
        found = await demo_queues.look(url, demo_queues.LOOKED_AT)
    except (exceptions.AMQPError, OSError, ValueError) as error:
        return f"it does not let us look into its queues ({type(error).__name__})"
    for name, (messages, consumers) in found.items():
        if messages or consumers:
            return f"its queue {name} is in use (messages: {messages}, consumers: {consumers})"
    return None


def own() -> rabbitmq.Broker:
    """Start a private node that nobody else knows of, and that is deleted afterwards.

    Raises:
        NoBroker: none can be had.

    """
    rabbitmq.ensure_server()
    rabbitmq.RUN.mkdir(exist_ok=True)
    print("Starting a private RabbitMQ", file=sys.stderr, flush=True)
    # Not the node of `rabbitmq.py up`: that may be the one in use, and it keeps what is in it.
    node = Node(Path(tempfile.mkdtemp(prefix="rabbitmq-", dir=rabbitmq.RUN)), usual_ports=True)
    try:
        node.start()
    except BaseException as error:  # Ctrl-C too: nothing may stay behind
        node.remove()
        if isinstance(error, NodeFailure):
            raise rabbitmq.NoBroker(str(error)) from error
        raise
    return rabbitmq.Broker(node.url, "a private node", node.management_url, node.remove, started=True)
