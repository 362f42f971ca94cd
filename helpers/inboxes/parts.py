"""What the parts of the web application share: how they find each other, and what they answer to a mistake."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from helpers.inboxes.store import Store

if TYPE_CHECKING:
    from helpers.inboxes.messages import Message

STORE = web.AppKey("store", Store)
CLOSING = web.AppKey("closing", asyncio.Event)
"""Set when the sandbox ends: whoever waits for something gives up."""

LARGEST = 64 * 1024 * 1024
"""Bytes of the largest mail or request that is taken."""


class Mistake(Exception):
    """Something asked of the sandbox itself was wrong; the text is a sentence for whoever asked."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


def number(request: web.Request, name: str, usual: int, *, least: int = 0, most: int | None = None) -> int:
    """Read a whole number from the query of a URL; raise `Mistake` where it is none."""
    text = request.query.get(name, "")
    if not text:
        return usual
    if not (text.isascii() and text.isdigit()):
        raise Mistake(f"{name} must be a whole number, not {text[:40]!r}.")
    value = max(least, int(text[:18]))
    return value if most is None else min(value, most)


def the_message(request: web.Request) -> Message:
    """Give the message that a path names; raise `Mistake` where it is gone."""
    text = request.match_info["id"]
    message = request.app[STORE].get(int(text)) if text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004 - digits of 64 bits
    if message is None:
        raise Mistake("There is no such message (any more).", status=404)
    return message


@web.middleware
async def say_mistakes(request: web.Request, handler: Any) -> web.StreamResponse:
    """Answer a mistake with its sentence, as JSON."""
    try:
        response: web.StreamResponse = await handler(request)
    except Mistake as mistake:
        return web.json_response({"error": str(mistake)}, status=mistake.status)
    return response
