"""From the publisher to the mail server: a real RabbitMQ, a real SMTP server, the daemon as a process."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
import pytest

from helpers.node import Node
from tests.daemon import Daemon
from tests.e2e.bot_api import BotApi, bot_api
from tests.smtp_server import SmtpServer

LADDER = "300ms,600ms"

LAYOUT = """<html><head><title>{% block subject %}Hello{% endblock %}</title></head>
<body>{% block content %}{% endblock %}</body></html>"""
MACROS = "{% macro strong(text) %}<b>{{ text }}</b>{% endmacro %}"
PAGE = """{% extends "layout.html.jinja2" %}{% import "macros.jinja2" as m %}
{% block subject %}Grüße, {{ name }}{% endblock %}
{% block content %}<p>Hello {{ m.strong(name) }}</p>{% endblock %}"""
TEXT = "Hello {{ name }}!\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to start the daemon in, with templates of its own."""
    email = tmp_path / "templates" / "email"
    email.mkdir(parents=True)
    (email / "layout.html.jinja2").write_text(LAYOUT)
    (email / "macros.jinja2").write_text(MACROS)
    (email / "hello.html.jinja2").write_text(PAGE)
    (email / "hello.txt.jinja2").write_text(TEXT)
    for path, text in {
        "telegram/hello.html": "Hello <b>{{ name }}</b>",
        "slack/hello.md": "Hello *{{ name }}*",
    }.items():
        file = tmp_path / "templates" / f"{path}.jinja2"
        file.parent.mkdir()
        file.write_text(text)
    return tmp_path


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    async with SmtpServer() as server:
        yield server


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with bot_api() as api:
        yield api


@pytest.fixture
def url(node: Node, virtual_host: str) -> str:
    return node.url + virtual_host


Starter = Callable[..., Awaitable[Daemon]]


@pytest.fixture
async def start(folder: Path, smtp: SmtpServer, url: str) -> AsyncIterator[Starter]:
    """Start daemons that are gone after the test."""
    async with AsyncExitStack() as stack:

        async def start(**settings: object) -> Daemon:
            usual = {
                "brokers__rabbitmq__url": url,
                "notifiers__email__port": smtp.port,
                "service__retry__ladder": LADDER,
            }
            return await stack.enter_async_context(Daemon(folder, **{**usual, **settings}))

        yield start


class Publisher:
    """A program outside."""

    def __init__(self, channel: aio_pika.abc.AbstractChannel, queue: str) -> None:
        self.channel = channel
        self.queue = queue

    async def publish(self, body: Any = None, message_id: str | None = None, **fields: Any) -> str:
        """Publish a notification, or a body as it is; give its id."""
        message_id = message_id or str(uuid4())
        usual = {"template": "hello", "to": "ada@example.org", "parameters": {"name": "Ada"}}
        raw = (
            body if isinstance(body, bytes) else json.dumps(body if body is not None else {**usual, **fields}).encode()
        )
        message = aio_pika.Message(
            raw,
            message_id=message_id,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        await self.channel.default_exchange.publish(message, routing_key=self.queue)
        return message_id

    async def dead_letter(self) -> aio_pika.abc.AbstractIncomingMessage | None:
        """Take one dead letter out."""
        queue = await self.channel.get_queue(f"{self.queue}.dead", ensure=False)
        return await queue.get(no_ack=True, fail=False)

    async def waiting(self, queue: str | None = None) -> int:
        """Count the messages that are ready in a queue."""
        declared = await self.channel.declare_queue(queue or self.queue, passive=True)
        return declared.declaration_result.message_count or 0


@pytest.fixture
async def publisher(url: str) -> AsyncIterator[Publisher]:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(on_return_raises=True)
        yield await _publisher(channel, "email")


@pytest.fixture
async def telegram_publisher(publisher: Publisher) -> Publisher:
    """The same for the queue `telegram`."""
    return await _publisher(publisher.channel, "telegram")


@pytest.fixture
async def slack_publisher(publisher: Publisher) -> Publisher:
    """The same for the queue `slack`."""
    return await _publisher(publisher.channel, "slack")


async def _publisher(channel: aio_pika.abc.AbstractChannel, queue: str) -> Publisher:
    await channel.declare_queue(queue, durable=True)
    return Publisher(channel, queue)
