"""What the contenders share: rendering with Jinja, composing with the standard library, SMTP that is kept open."""

from __future__ import annotations

import asyncio
import functools
import os
import smtplib
import threading
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING, Any

import aiosmtplib
from jinja2 import Environment, FileSystemLoader, TemplateNotFound, select_autoescape

if TYPE_CHECKING:
    from jinja2 import Template

URL = os.environ.get("BENCH_URL", "")
PORT = int(os.environ.get("BENCH_PORT", "0"))
HOST = "127.0.0.1"
PREFETCH = 64
CONNECTIONS = 10
SENDER = "Dispatcher <noreply@example.org>"

# Compiled once and never looked at again, which is the quickest that Jinja offers.
environment = Environment(
    loader=FileSystemLoader("templates/email"),
    autoescape=select_autoescape(enabled_extensions=("html.jinja2",)),
    auto_reload=False,
)


@functools.cache
def template(name: str) -> Template | None:
    """Give a template; nothing where there is none of that name."""
    try:
        return environment.get_template(name)
    except TemplateNotFound:
        return None


def compose(mail: dict[str, Any]) -> EmailMessage:
    """Render a notification and make a mail of it."""
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = mail["to"]
    message["Subject"] = mail["subject"]
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="example.org")
    html = template(f"{mail['template']}.html.jinja2")
    text = template(f"{mail['template']}.txt.jinja2")
    assert html is not None  # noqa: S101 - for the type checker
    if text is None:
        message.set_content(html.render(mail["parameters"]), subtype="html")
    else:
        message.set_content(text.render(mail["parameters"]))
        message.add_alternative(html.render(mail["parameters"]), subtype="html")
    return message


class Post(threading.local):
    """An SMTP connection for each thread, opened with the first mail and kept."""

    smtp: smtplib.SMTP | None = None

    def send(self, mail: dict[str, Any]) -> None:
        """Render, compose and send."""
        if self.smtp is None:
            self.smtp = smtplib.SMTP(HOST, PORT, local_hostname="localhost")
        self.smtp.send_message(compose(mail))


class AsyncPost:
    """A few SMTP connections for an event loop, opened when they are first needed and kept."""

    def __init__(self) -> None:
        """Prepare them; the last one used is the first one taken."""
        self._free: asyncio.LifoQueue[aiosmtplib.SMTP] = asyncio.LifoQueue()
        for _ in range(CONNECTIONS):
            client = aiosmtplib.SMTP(
                hostname=HOST, port=PORT, local_hostname="localhost", use_tls=False, start_tls=False
            )
            self._free.put_nowait(client)

    async def send(self, mail: dict[str, Any]) -> None:
        """Render, compose and send."""
        message = compose(mail)
        client = await self._free.get()
        try:
            if not client.is_connected:
                await client.connect()
            await client.send_message(message)
        finally:
            self._free.put_nowait(client)
