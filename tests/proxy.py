"""A TCP proxy between a client and a server of a test, and everything that goes wrong on a line.

async with Proxy(server.port) as proxy:
    ...                   # the client connects to proxy.port
    proxy.cut()           # every connection is reset; new ones are taken
    await proxy.away()    # the same, and new ones are refused, until `await proxy.open()`
    proxy.freeze()        # everything stands still, nothing is lost, until `proxy.thaw()`
    proxy.vanish()        # half-open: what goes through these connections is lost without a word; new ones work
    proxy.delay = 0.5     # each piece waits so many seconds
    proxy.rate = 1        # so many bytes a second, one by one
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Self

CHUNK = 65_536


@dataclass(eq=False)
class Line:
    """A client and the server it talks to.

    Attributes:
        vanished: whatever comes from either side is thrown away, the end of the connection included.

    """

    vanished: bool = False


class Proxy:
    """Forwards one port to another.

    Attributes:
        target: the port to which new connections go.
        port: where it listens; the same again after it was away.
        open_connections: both sides counted: two for each client.
        taken: how many clients came.
        delay: seconds that each piece waits before it goes on.
        rate: bytes a second in each direction, if there is a limit.

    """

    def __init__(self, target: int) -> None:
        self.target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._lines: set[Line] = set()
        self._moving = asyncio.Event()
        self._moving.set()
        self.port = 0
        self.taken = 0
        self.delay = 0.0
        self.rate: float | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.thaw()
        await self.away()

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def away(self) -> None:
        """Stop listening and cut everything."""
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Reset every connection; new ones are taken as before."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    def freeze(self) -> None:
        """Let everything stand still; nothing is lost."""
        self._moving.clear()

    def thaw(self) -> None:
        """Let it go on."""
        self._moving.set()

    def vanish(self) -> None:
        """Lose from now on what goes through the connections of this moment, as a router does that was switched off.

        Neither side is told, not even when the other one hangs up.
        """
        for line in self._lines:
            line.vanished = True

    @property
    def open_connections(self) -> int:
        return len(self._writers)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        line = Line()
        self._lines.add(line)
        self._writers.add(writer)
        far_writer = None
        try:
            with contextlib.suppress(OSError):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
                self._writers.add(far_writer)
                await asyncio.gather(self._pump(line, reader, far_writer), self._pump(line, far_reader, writer))
        finally:
            self._lines -= {line}
            self._writers -= {writer, far_writer}
            for one in filter(None, (writer, far_writer)):
                one.close()

    async def _pump(self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await self._moving.wait()
                await asyncio.sleep(self.delay)
                if not line.vanished:
                    await self._pass_on(chunk, writer)
            await self._moving.wait()
        if not line.vanished:
            writer.close()

    async def _pass_on(self, chunk: bytes, writer: asyncio.StreamWriter) -> None:
        if self.rate is None:
            writer.write(chunk)
            await writer.drain()
            return
        for byte in chunk:
            if self.rate is not None:
                await asyncio.sleep(1 / self.rate)
            writer.write(bytes([byte]))
            await writer.drain()
