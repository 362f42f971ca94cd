"""What is known of a request that the other side stopped taking."""

import asyncio
import socket

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_writer import StreamWriter

from dispatcher.notifiers.telegram.form import SMALL, STEP, Body


async def given_up(size: int) -> tuple[bool, int]:
    """Write a body to somebody who takes nothing until it was given up; tell what is said, and how much arrives."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with theirs:
        for end, buffer in ((ours, socket.SO_SNDBUF), (theirs, socket.SO_RCVBUF)):
            end.settimeout(0)
            end.setsockopt(socket.SOL_SOCKET, buffer, 4096)
        transport, protocol = await loop.create_connection(lambda: BaseProtocol(loop), sock=ours)
        body = Body((bytes(size),), "application/octet-stream", 0.1)
        with pytest.raises(TimeoutError):
            await body.write(StreamWriter(protocol, loop))
        transport.close()  # as aiohttp does after an exception
        count = 0
        while part := await loop.sock_recv(theirs, STEP):
            count += len(part)
    return body.written, count


async def test_what_waits_for_the_last_step_may_arrive_and_is_not_called_unwritten():
    assert (True, 2 * STEP) == await given_up(2 * STEP)


async def test_what_stops_before_the_last_step_never_arrives_whole():
    written, count = await given_up(4 * STEP)

    assert not written
    assert count < 4 * STEP


async def test_what_is_small_is_not_waited_for_and_was_not_written_where_the_connection_is_closed():
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with theirs:
        transport, protocol = await loop.create_connection(lambda: BaseProtocol(loop), sock=ours)
        body = Body((bytes(SMALL),), "application/json", 0.1)
        transport.close()
        with pytest.raises(ConnectionResetError):
            await body.write(StreamWriter(protocol, loop))

    assert not body.written
