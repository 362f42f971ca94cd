"""The least that the same steps can cost in Python: each alone, in a process of its own, with nothing around it.

    python -m benchmarks.floor amqp URL QUEUE COUNT      consume and acknowledge one by one, aiormq on uvloop
    python -m benchmarks.floor render FOLDER COUNT       render html and text with Jinja
    python -m benchmarks.floor smtp PORT COUNT           MAIL, RCPT and DATA in one write (RFC 2920), then the mail

It prints its CPU time and the time it took, in seconds, after its first mails.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import aiormq
import uvloop
from jinja2 import Environment, FileSystemLoader, select_autoescape

from benchmarks import work

if TYPE_CHECKING:
    from aiormq.abc import DeliveredMessage

PREFETCH = 64
CONNECTIONS = 10
FIRST = 200
"""Mails before the clock starts."""


class Clock:
    """Counts to the end; the first ones are no part of it."""

    def __init__(self, count: int) -> None:
        """Prepare it for so many after the first ones."""
        self._left = FIRST + count
        self._count = count
        self.done = asyncio.Event()

    def tick(self) -> bool:
        """Count one; tell whether more are wanted."""
        if self._left == self._count:
            self._cpu, self._began = time.process_time(), time.perf_counter()
        self._left -= 1
        if self._left == 0:
            print(json.dumps([time.process_time() - self._cpu, time.perf_counter() - self._began]), flush=True)
            self.done.set()
        return self._left > 0


async def amqp(url: str, queue: str, count: int) -> None:
    """Consume and acknowledge."""
    clock = Clock(count)
    connection = await aiormq.connect(url)
    channel = await connection.channel()

    async def take(message: DeliveredMessage) -> None:
        await channel.basic_ack(cast("int", message.delivery_tag))
        clock.tick()

    await channel.basic_qos(prefetch_count=PREFETCH)
    await channel.basic_consume(queue, take)
    await clock.done.wait()
    await connection.close()


def render(folder: str, count: int) -> None:
    """Render both parts of a mail."""
    clock = Clock(count)
    templates = renderer(Path(folder))
    parameters = work.parameters()
    while clock.tick():
        for one in templates:
            one.render(parameters)


def renderer(folder: Path) -> list[Any]:
    """Give both templates, compiled."""
    environment = Environment(
        loader=FileSystemLoader(folder / "templates" / "email"),
        autoescape=select_autoescape(enabled_extensions=("html.jinja2",)),
        auto_reload=False,
    )
    return [environment.get_template(f"{work.BOTH}.{ending}.jinja2") for ending in ("html", "txt")]


class Conversation(asyncio.Protocol):
    """One SMTP connection: a mail after the other, as soon as the last one was taken."""

    def __init__(self, mail: bytes, clock: Clock) -> None:
        """Prepare it with the mail that is sent again and again."""
        self._mail = mail
        self._clock = clock
        self._number = 0
        self._lines = 0
        self._greeted = False
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take replies."""
        if not self._greeted:
            self._greet(data)
            return
        self._lines += data.count(b"\n")
        if self._lines == 3:  # noqa: PLR2004 - MAIL, RCPT, DATA
            self._transport.write(self._mail)
        elif self._lines == 4:  # noqa: PLR2004 - and the dot
            self.taken()

    def _greet(self, data: bytes) -> None:
        if data.startswith(b"220"):
            self._transport.write(b"EHLO localhost\r\n")
        elif b"250 " in data:  # its last line; the others may come alone
            self._greeted = True
            self.ready.set_result(None)

    def taken(self) -> None:
        """Go on with the next one."""
        if self._clock.tick():
            self.send()

    def send(self) -> None:
        """Begin a mail."""
        self._number += 1
        self._lines = 0
        self._transport.write(
            b"MAIL FROM:<noreply@example.org>\r\nRCPT TO:<user%d@example.org>\r\nDATA\r\n" % self._number
        )


async def smtp(port: int, count: int) -> None:
    """Send mails over a few connections."""
    clock = Clock(count)
    loop = asyncio.get_running_loop()
    conversations = []
    for _ in range(CONNECTIONS):
        _, one = await loop.create_connection(lambda: Conversation(a_mail(), clock), "127.0.0.1", port)
        await one.ready
        conversations.append(one)
    for one in conversations:
        one.send()
    await clock.done.wait()


def a_mail() -> bytes:
    """Give a mail of the usual size, both parts in base64, with the dot at its end."""
    parts = "".join(
        f'--limit\r\nContent-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + base64.encodebytes(text.encode()).decode().replace("\n", "\r\n")
        for kind, text in (("plain", work.TEXT), ("html", work.HTML))
    )
    return (
        "From: Dispatcher <noreply@example.org>\r\nTo: user@example.org\r\nSubject: Hello there\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="limit"\r\n\r\n'
        f"{parts}--limit--\r\n.\r\n"
    ).encode()


def main(part: str, *arguments: str) -> None:
    """Measure one part."""
    count = int(arguments[-1])
    if part == "amqp":
        uvloop.run(amqp(arguments[0], arguments[1], count))
    elif part == "smtp":
        uvloop.run(smtp(int(arguments[0]), count))
    else:
        render(arguments[0], count)


if __name__ == "__main__":
    main(*sys.argv[1:])
