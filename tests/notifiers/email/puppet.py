r"""An SMTP server that says byte for byte what it is told, however wrong, and remembers what it was sent.

puppet.group = [b"250 ok\r\n250 ok\r\n", b"354 go on\r\n"]  # each in a segment of its own, after DATA was read
puppet.final = [CUT]
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.scripted_server import ScriptedServer, hang
from tests.smtp_server import CUT, HANG, Deed

HELLO = b"250-test.example\r\n250 PIPELINING\r\n"
AGREED = b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n"
TAKEN = b"250 2.0.0 queued as TEST\r\n"

Says = bytes | Deed | float
"""What is written in one go, a deed, or seconds in which nothing happens."""


class Puppet(ScriptedServer):
    """The server. What it is told holds for the first mail; those after it are taken as usual.

    Attributes:
        hello: answers EHLO.
        group: follows DATA; without it, all are taken.
        text: follows `group`, before the text is read.
        final: answers the final dot.
        idle: follows `final`.
        sent: what came on each connection, after EHLO.
        mails: how many texts came with their end.

    """

    def __init__(self) -> None:
        super().__init__()
        self.hello: Sequence[Says] = [HELLO]
        self.group: Sequence[Says] | None = None
        self.text: Sequence[Says] = []
        self.final: Sequence[Says] = [TAKEN]
        self.idle: Sequence[Says] = []
        self.sent: list[bytearray] = []
        self.mails = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak on one connection until it is to end."""
        writer.write(b"220 test.example\r\n")
        await reader.readline()
        sent = bytearray()
        self.sent.append(sent)
        hello, self.hello = self.hello, [HELLO]
        going = await self._say(reader, writer, hello)
        while going:
            line = await reader.readline()
            sent += line
            if line == b"DATA\r\n":
                going = await self._take(reader, writer, sent)
            elif not line or line == b"QUIT\r\n":
                return
            elif line in {b"RSET\r\n", b"NOOP\r\n"}:
                writer.write(b"250 ok\r\n")

    async def _take(self, reader: Any, writer: Any, sent: bytearray) -> bool:
        recipients = bytes(sent).rpartition(b"MAIL FROM:")[2].count(b"RCPT TO:")
        group, self.group = self.group, None
        if group is None:
            group = [b"250 ok\r\n" * (recipients + 1) + b"354 go on\r\n"]
        text, self.text = self.text, []
        if not await self._say(reader, writer, group) or not await self._say(reader, writer, text):
            return False
        if not b"".join(one for one in group if isinstance(one, bytes)).endswith(b"354 go on\r\n"):
            return True
        while not sent.endswith((b"\r\n.\r\n", b"DATA\r\n.\r\n")):
            piece = await reader.read(65536)
            sent += piece
            if not piece:
                return False
        if sent.endswith(b"DATA\r\n.\r\n"):
            writer.write(b"554 5.5.1 to nobody\r\n")
            return True
        self.mails += 1
        final, self.final = self.final, [TAKEN]
        idle, self.idle = self.idle, []
        return await self._say(reader, writer, final) and await self._say(reader, writer, idle)

    async def _say(self, reader: Any, writer: Any, what: Sequence[Says]) -> bool:
        for one in what:
            await self.tell()
            if one is CUT:
                return False
            if one is HANG:
                await hang(reader)
                return False
            if isinstance(one, float):
                await asyncio.sleep(one)
            elif isinstance(one, bytes):
                writer.write(one)
                for _ in range(3):
                    await asyncio.sleep(0)  # so that the other side reads it by itself
        return True
