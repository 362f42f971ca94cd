"""Server-sent events: a browser is told of each message as it arrives."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import web

from helpers.inboxes.parts import CLOSING, STORE
from helpers.inboxes.store import Listener

if TYPE_CHECKING:
    from helpers.inboxes.store import Event

STILL_HERE = 15.0
"""Seconds between two comments, by which both sides notice that the other one is gone."""
RECONNECT = 1000
"""Milliseconds until a browser that was cut off comes back."""


async def events(request: web.Request) -> web.StreamResponse:
    """Tell of messages until the browser leaves, the sandbox ends, or too much waits for this browser."""
    transport = request.transport
    listener = Listener(transport.abort if transport else lambda: None)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    store, closing = request.app[STORE], request.app[CLOSING]
    store.listen(listener)
    try:
        await response.prepare(request)
        await response.write(f"retry: {RECONNECT}\n\n".encode())
        closed = asyncio.ensure_future(closing.wait())
        while not closing.is_set():
            await response.write(await _next(listener, closed))
    finally:
        store.leave(listener)
        closed.cancel()
    return response


async def _next(listener: Listener, closed: asyncio.Future[object]) -> bytes:
    waiting = asyncio.ensure_future(listener.next())
    try:
        await asyncio.wait([waiting, closed], timeout=STILL_HERE, return_when=asyncio.FIRST_COMPLETED)
        return _written(waiting.result()) if waiting.done() else b": still here\n\n"
    finally:
        waiting.cancel()


def _written(event: Event) -> bytes:
    return f"event: {event.name}\ndata: {json.dumps(event.data)}\n\n".encode()
