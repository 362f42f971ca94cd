"""How far a request has come: what has to be said before it is written, and where the token is put in."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import aiohttp

MASK = "token"

last_moment: ContextVar[Callable[[], None] | None] = ContextVar("called before a request is written", default=None)
"""What has to be said, or may forbid it, when a connection is there and the request is to be written."""


class Course:
    """How far one request has come; nothing that prints it can tell the token.

    Args:
        token: as it is written in an address.

    Attributes:
        begun: whether it was about to be written.

    """

    def __init__(self, token: str) -> None:
        self._token = token
        self._say = last_moment.get()
        self.begun = False

    def begin(self) -> None:
        """Say that the request is to be written now; whoever is told may forbid it, and raise."""
        if self._say is not None:
            self._say()
        self.begun = True

    def unmasked(self, path: str) -> str:
        """Give a path with the token in it, in place of the mask: `…/bot<token>/<method>`."""
        base, _, method = path.rsplit("/", 2)
        return f"{base}/bot{self._token}/{method}"


under_way: ContextVar[Course] = ContextVar("the course of the request that is made")


class Request(aiohttp.ClientRequest):
    """A request that is masked to all but the connection, and says when it is to be written."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        """Write it, with the token in its address."""
        course = under_way.get()
        course.begin()
        masked = self.url
        self.url = masked.with_path(course.unmasked(masked.raw_path), encoded=True)
        try:
            return await super().send(conn)
        finally:
            self.url = masked

    @property
    def request_info(self) -> aiohttp.RequestInfo:
        """Describe it; answers and exceptions hold on to that, so that the mask is in it."""
        return aiohttp.RequestInfo(self.original_url, self.method, self.headers, self.original_url)  # type: ignore[arg-type]
