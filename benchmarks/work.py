"""The work: templates on disk, and notifications that ask for them."""

from __future__ import annotations

import base64
import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

BOTH = "hello"
"""The template with two parts: html of 5 kB, and a text."""

PAGE = "page"
"""The template with html only."""

LINES = 50
ITEMS = 5

HTML = (
    "<html><body><h1>Hello {{ name }}</h1>\n"
    + "".join(
        f"<p>Line {number} about {{{{ topic }}}} with some longer text that fills the line a bit more.</p>\n"
        for number in range(LINES)
    )
    + "{% for item in items %}<li>{{ item.name }}: {{ item.price }}</li>\n{% endfor %}</body></html>\n"
)
TEXT = "Hello {{ name }}\n\n" + "".join(f"Line {number} about {{{{ topic }}}}.\n" for number in range(20))


CHAT = "Hello {{ name }}, about {{ topic }}:\n{% for item in items %}{{ item.name }}: {{ item.price }}\n{% endfor %}"
LARGE = 5_000_000
"""Bytes of an attachment."""


def write_templates(folder: Path) -> None:
    """Write what is rendered into `templates/` of a folder."""
    mails = folder / "templates" / "email"
    mails.mkdir(parents=True, exist_ok=True)
    (mails / f"{BOTH}.html.jinja2").write_text(HTML)
    (mails / f"{BOTH}.txt.jinja2").write_text(TEXT)
    for queue, ending in (("telegram", "html"), ("slack", "md")):
        chats = folder / "templates" / queue
        chats.mkdir(parents=True, exist_ok=True)
        (chats / f"{BOTH}.{ending}.jinja2").write_text(CHAT)
    (mails / f"{PAGE}.html.jinja2").write_text(HTML)


def parameters() -> dict[str, Any]:
    """Give what the templates ask for."""
    items = [{"name": f"n{number}", "price": number} for number in range(ITEMS)]
    return {"name": "Ada Löv", "topic": "engines", "items": items}


def mail(number: int, template: str = BOTH) -> dict[str, Any]:
    """Give a notification by mail, the body of a message in the queue `email`."""
    return {
        "template": template,
        "to": f"user{number}@example.org",
        "subject": "Hello there",
        "parameters": parameters(),
    }


def page(number: int) -> dict[str, Any]:
    """Give a notification by mail with html only."""
    return mail(number, PAGE)


def telegram(number: int) -> dict[str, Any]:
    """Give a notification for a chat of its own."""
    return {"template": BOTH, "to": str(1000 + number), "parameters": parameters()}


def slack(number: int) -> dict[str, Any]:
    """Give a notification for a conversation of its own."""
    return {"template": BOTH, "to": f"C{number:09}", "parameters": parameters()}


@functools.cache
def attachment() -> str:
    """Give a large file, as it lies in a message."""
    return base64.b64encode(b"0123456789" * (LARGE // 10)).decode()


def large(number: int) -> dict[str, Any]:
    """Give a notification by mail with a large file."""
    file = {"filename": "numbers.bin", "content": attachment(), "content_type": "application/octet-stream"}
    return {**mail(number), "attachments": [file]}
