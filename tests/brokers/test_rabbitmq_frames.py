"""Frames, as they come over a line: whole, in pieces, cut off, of another protocol."""

import asyncio

import pytest
from aiormq.exceptions import AMQPConnectionError, InvalidFrameError, ProtocolSyntaxError
from pamqp import commands, frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from dispatcher.brokers.rabbitmq.frames import Frames

FRAMES = [
    (1, commands.Basic.Deliver("tag", 7, redelivered=True, exchange="e", routing_key="k")),
    (1, ContentHeader(body_size=3, properties=commands.Basic.Properties(message_id="m"))),
    (1, ContentBody(b"abc")),
    (0, Heartbeat()),
    (2, ContentBody(bytes(100_000))),
]
BYTES = b"".join(frame.marshal(one, number) for number, one in FRAMES)


def receiver(*pieces: bytes, ended: bool = True) -> Frames:
    reader = asyncio.StreamReader()
    for piece in pieces:
        reader.feed_data(piece)
    if ended:
        reader.feed_eof()
    return Frames(reader)


async def read(source: Frames) -> list[tuple[int, str]]:
    return [(number, one.name) async for _, number, one in source]


async def test_frames_come_one_after_the_other_until_the_end():
    assert [(number, one.name) for number, one in FRAMES] == await read(receiver(BYTES))


async def test_frames_that_come_byte_by_byte_are_the_same():
    source = receiver(ended=False)

    async def drip() -> None:
        for at in range(0, len(BYTES), 1_000):
            step = 1 if at == 0 else 1_000
            for one in range(at, min(at + 1_000, len(BYTES)), step):
                source.reader.feed_data(BYTES[one : min(one + step, at + 1_000)])
                await asyncio.sleep(0)
        source.reader.feed_eof()

    feeding = asyncio.create_task(drip())
    got = [await source.get_frame() for _ in FRAMES]
    with pytest.raises(AMQPConnectionError, match="the other side hung up"):
        await source.get_frame()
    await feeding

    assert [(number, one.name) for number, one in FRAMES] == [(number, one.name) for _, number, one in got]


@pytest.mark.parametrize("length", [1, 6, 7, 8, 20])
async def test_a_line_that_ends_in_a_frame_is_lost(length: int):
    with pytest.raises(AMQPConnectionError, match="ended in a frame"):
        await read(receiver(BYTES[:length]))


async def test_an_error_of_the_network_is_one_of_the_connection():
    source = receiver(ended=False)
    source.reader.set_exception(ConnectionResetError("Connection reset by peer"))

    with pytest.raises(AMQPConnectionError, match="reset by peer"):
        await read(source)


async def test_another_protocol_is_told():
    with pytest.raises(ProtocolSyntaxError, match="another version"):
        await read(receiver(b"AMQP\x00\x00\x09\x01"))


async def test_what_is_no_frame_is_told():
    with pytest.raises(InvalidFrameError):
        await read(receiver(b"\x09\x00\x01\x00\x00\x00\x01x\xce"))
