"""How far a request has come: what has to be said before it is written, and whether it was."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import aiohttp

from dispatcher.notifiers.slack.losses import Redirected

_written: ContextVar[list[bool]] = ContextVar("whether the request under way was written")
_last_moment: ContextVar[Callable[[], None]] = ContextVar("called before a request is written")


class Request(aiohttp.ClientRequest):
    """A request that says when it has a connection and is to be written; who is told may forbid it, and raise."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        """Write it."""
        _last_moment.get()()
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


async def _note_written(*_: Any) -> None:
    _written.get()[0] = True


async def _refuse_redirect(_session: Any, _context: Any, params: aiohttp.TraceRequestRedirectParams) -> None:
    params.response.close()
    raise Redirected


def _make() -> aiohttp.TraceConfig:
    config: aiohttp.TraceConfig = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(_note_written)
    config.on_request_redirect.append(_refuse_redirect)
    return config


WATCH = _make()
"""What sessions are to be made with."""
