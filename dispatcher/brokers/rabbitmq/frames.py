"""One frame of a connection, read in two steps: its first seven bytes, and the rest.

The library takes three steps, a lock and a buffer for each, and a delivery is three frames. Nobody but its one reader
asks for frames, and it asks for one after the other. What goes wrong is said as the library says it.
"""

import asyncio
import struct

import pamqp.frame
from aiormq.connection import FrameReceiver
from aiormq.exceptions import AMQPConnectionError, InvalidFrameError, ProtocolSyntaxError
from pamqp.exceptions import PAMQPException

START = struct.Struct(">BHI")
"""Kind, AMQP channel and length (AMQP 0-9-1, 4.2.3); one more byte ends a frame."""


async def get_frame(receiver: FrameReceiver) -> tuple[int, int, pamqp.frame.FrameTypes]:
    """Read one frame.

    Raises:
        StopAsyncIteration: the connection has ended.
        AMQPConnectionError: …in the middle, or an error of the network.
        InvalidFrameError, ProtocolSyntaxError: it cannot be read.

    """
    reader = receiver.reader
    if reader.at_eof():
        raise StopAsyncIteration
    try:
        start = await reader.readexactly(START.size)
        if not receiver.started:
            if start.startswith(b"AMQP"):
                raise ProtocolSyntaxError("the broker speaks another version of AMQP")
            receiver.started = True
        rest = await reader.readexactly(START.unpack(start)[2] + 1)
    except asyncio.IncompleteReadError as error:
        text = f"the connection ended in a frame, after {len(error.partial)} of {error.expected} bytes"
        raise AMQPConnectionError(text) from error
    except OSError as error:
        raise AMQPConnectionError(str(error) or type(error).__name__) from error
    try:
        return pamqp.frame.unmarshal(start + rest)
    except PAMQPException as error:
        raise InvalidFrameError(str(error)) from error


def install() -> None:
    """Let the library read so; for the whole process, once."""
    FrameReceiver.get_frame = get_frame  # type: ignore[method-assign, assignment]
