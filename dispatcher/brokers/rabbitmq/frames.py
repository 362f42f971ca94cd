"""Frames of a connection: as many as have come are taken at once, and those of a delivery are decoded by hand.

The library takes three steps for a frame, a lock and a buffer for each, and a delivery is three frames. Nobody but its
one reader asks for frames, and it asks for one after the other. What goes wrong is said as the library says it.
"""

import asyncio
import struct

import aiormq.connection
import pamqp.frame
from aiormq.connection import FrameReceiver
from aiormq.exceptions import AMQPConnectionError, InvalidFrameError, ProtocolSyntaxError
from pamqp.exceptions import PAMQPException

from dispatcher.brokers.rabbitmq.decoding import decode

START = struct.Struct(">BHI")
"""Kind, AMQP channel and length (AMQP 0-9-1, 4.2.3); one more byte ends a frame."""

AT_ONCE = 262_144
"""So many bytes are taken from the line at once, at most."""

Frame = tuple[int, int, pamqp.frame.FrameTypes]


class Frames(FrameReceiver):
    """Reads the frames of one connection.

    Args:
        reader: the line.

    """

    def __init__(self, reader: asyncio.StreamReader) -> None:
        super().__init__(reader)
        self._unread = b""
        self._at = 0

    async def get_frame(self) -> Frame:
        """Read one frame: its size in bytes, its AMQP channel, and what it says.

        Raises:
            StopAsyncIteration: the connection has ended.
            AMQPConnectionError: …in the middle, or an error of the network.
            InvalidFrameError, ProtocolSyntaxError: it cannot be read.

        """
        if self._at == len(self._unread) and self.reader.at_eof():
            raise StopAsyncIteration
        if len(self._unread) - self._at < START.size:
            await self._come(START.size)
        if not self.started:
            if self._unread.startswith(b"AMQP", self._at):
                raise ProtocolSyntaxError("the broker speaks another version of AMQP")
            self.started = True
        kind, channel, length = START.unpack_from(self._unread, self._at)
        size = START.size + length + 1
        if len(self._unread) - self._at < size:
            await self._come(size)
        frame = self._unread[self._at : self._at + size]
        self._at += size
        usual = decode(kind, frame)
        if usual is not None:
            return size, channel, usual
        try:
            return pamqp.frame.unmarshal(frame)
        except PAMQPException as error:
            raise InvalidFrameError(str(error)) from error

    __anext__ = get_frame

    async def _come(self, size: int) -> None:
        """Wait until so many bytes of the next frame are here."""
        pieces, missing = [self._unread[self._at :]], size - len(self._unread) + self._at
        try:
            while missing > 0:
                piece = await self.reader.read(AT_ONCE)
                if not piece:
                    in_frame = f"the connection ended in a frame, after {size - missing} of {size} bytes"
                    raise AMQPConnectionError(in_frame if missing < size else "the other side hung up")
                pieces.append(piece)
                missing -= len(piece)
        except OSError as error:
            raise AMQPConnectionError(str(error) or type(error).__name__) from error
        self._unread, self._at = b"".join(pieces), 0


def install() -> None:
    """Let the library read so; for the whole process, once."""
    aiormq.connection.FrameReceiver = Frames  # type: ignore[misc]
