"""How far a request has come: what has to be said before it is written, and whether it was."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import aiohttp

from dispatcher.notifiers.slack.losses import Redirected

REDIRECTS = frozenset({301, 302, 303, 307, 308})

_written: ContextVar[list[bool]] = ContextVar("whether the request under way was written")
_last_moment: ContextVar[Callable[[], None]] = ContextVar("called before a request is written")


class Request(aiohttp.ClientRequest):
    """A request that says when it has a connection and is to be written; who is told may forbid it, and raise."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        """Write it."""
        _last_moment.get()()
        _written.get()[0] = True
        return await super().send(conn)


def nothing() -> None:
    """Say nothing in the last moment."""


def watch(last_moment: Callable[[], None]) -> list[bool]:
    """Watch the request that is made next, by this task or one that it starts.

    Args:
        last_moment: called before the request is written.

    Returns:
        a list of one, which tells whether it was.

    """
    written = [False]
    _written.set(written)
    _last_moment.set(last_moment)
    return written


async def stay(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Make a request, and go nowhere else: the library below would follow a redirect.

    Raises:
        Redirected: it was one.

    """
    response = await handler(request)
    if response.status in REDIRECTS:
        response.close()
        raise Redirected
    return response
