"""What arrives is foreign text, and a browser is everybody's: nothing may run, be fetched, or be read by others."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import hdrs, web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-src 'self'"
)
HTML_OF_A_MAIL = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
FILE = "sandbox; default-src 'none'"

HEADERS = {
    "Content-Security-Policy": PAGE,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def only_from_here(
    host: str, names: Iterable[str] = ()
) -> Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]:
    """Make the middleware that refuses foreign names for this address and pages of other places.

    Without the first, a page elsewhere could read all messages by pointing a name of its own at this machine (DNS
    rebinding); a number for a host is no such name. Without the second it could delete them and ask for faults.

    Args:
        host: the address that is listened on.
        names: what it is called besides: by a proxy, or in a network of containers.

    """
    known = {name.lower() for name in ("localhost", host, socket.gethostname(), socket.getfqdn(), *names)}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        here = request.headers.get(hdrs.HOST, "")
        if not _is_ours(here, known):
            return _refused(
                "This sandbox answers only to a name of its own machine: open it as localhost, or start it with --name."
            )
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and urlsplit(origin).netloc != here:
            return _refused("This sandbox takes nothing from the pages of other places.")
        return await handler(request)

    return check


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Give every answer the strict policy, where it has none of its own."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def _is_ours(host: str, known: set[str]) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in known:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _refused(sentence: str) -> web.Response:
    return web.Response(status=403, text=f"{sentence}\n")
