"""Faults over HTTP: asking for them, and how those look that all services over HTTP have in common."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import web

from helpers.inboxes.faults import Faults
from helpers.inboxes.parts import CLOSING, Mistake

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from helpers.inboxes.faults import Fault

FAULTS = web.AppKey("faults", Faults)
GARBAGE = '{"ok": tru'


def routes() -> Iterable[web.RouteDef]:
    """Give the paths and who answers them."""
    return [
        web.get("/faults", listing),
        web.post("/faults", add),
        web.delete("/faults", clear),
        web.delete("/faults/{id}", delete),
    ]


async def listing(request: web.Request) -> web.Response:
    """List the faults that were asked for and are not used up."""
    return web.json_response({"faults": request.app[FAULTS].listed()})


async def add(request: web.Request) -> web.Response:
    """Ask for a fault."""
    try:
        asked = json.loads(await request.read())
    except ValueError as error:
        raise Mistake(f"This is not JSON: {error}.") from error
    try:
        return web.json_response({"id": request.app[FAULTS].add(asked)}, status=201)
    except ValueError as error:
        raise Mistake(str(error)) from error


async def clear(request: web.Request) -> web.Response:
    """Forget all faults."""
    request.app[FAULTS].clear()
    return web.Response(status=204)


async def delete(request: web.Request) -> web.Response:
    """Forget a fault."""
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) < 19 and request.app[FAULTS].delete(int(text))):  # noqa: PLR2004 - digits of 64 bits
        raise Mistake("There is no such fault (any more).", status=404)
    return web.Response(status=204)


async def with_faults(
    request: web.Request,
    due: Callable[[str], Fault | None],
    take: Callable[[], Awaitable[web.Response]],
    refuse: Callable[[Fault], web.Response],
) -> web.Response:
    """Take a request as far as the faults let it: `due` gives the one of a phase, `refuse` answers with it."""
    fault = due("before")
    if fault and fault.deed == "slow":
        await asyncio.sleep(fault.seconds)
    elif fault:
        return await _befall(request, fault) or refuse(fault)
    answer = await take()
    late = due("end")
    return (late and await _befall(request, late)) or answer


async def _befall(request: web.Request, fault: Fault) -> web.Response | None:
    if fault.deed == "garbage":
        return web.Response(text=GARBAGE, content_type="application/json")
    if fault.deed not in {"hang", "cut"}:
        return None
    if fault.deed == "cut" and request.transport:
        request.transport.abort()
    await request.app[CLOSING].wait()  # which is cancelled when the connection ends
    return web.Response(status=503)
