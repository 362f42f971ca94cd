"""What the servers have in common that do what a test tells them to: connections, and a test that awaits them."""

import asyncio
import contextlib
import ssl
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, Self


class ScriptedServer(ABC):
    """An asynchronous context manager, on a free port of 127.0.0.1; entered again, on the same one.

    Args:
        tls: the server's context, for TLS from the first byte on.

    Attributes:
        port: where it listens.
        open: how many connections are open.
        peak: how many were open at the same time, at most.

    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.port = 0
        self.open = 0
        self.peak = 0
        self._tls_from_the_start = tls
        self._script: defaultdict[str, deque[Any]] = defaultdict(deque)
        self._rules: list[Any] = []
        self._changed = asyncio.Condition()
        self._writers: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @abstractmethod
    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak on one connection until it is to end."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls_from_the_start)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Listen no more and end what is open."""
        self._server.close()
        self.cut()
        for handler in self._writers:
            handler.cancel()
        if self._writers:
            await asyncio.wait(list(self._writers))
        await asyncio.sleep(0)

    def cut(self) -> None:
        """End all connections without a word."""
        for writer in self._writers.values():
            writer.transport.abort()

    def forget(self) -> None:
        """Answer as usual from now on, whatever was said before."""
        self._script.clear()
        self._rules.clear()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so; looked at whenever something happened."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(condition)

    async def tell(self) -> None:
        """Let those who wait look again."""
        async with self._changed:
            self._changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        self._writers[handler] = writer
        self.open += 1
        self.peak = max(self.peak, self.open)
        try:
            with contextlib.suppress(
                ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.CancelledError
            ):
                await self.converse(reader, writer)
        finally:
            self.open -= 1
            del self._writers[handler]
            writer.transport.abort()
            with contextlib.suppress(asyncio.CancelledError):
                await self.tell()


async def hang(reader: asyncio.StreamReader) -> None:
    """Say nothing until the other side gives up."""
    while await reader.read(65536):
        pass
