"""The last words of a member whose lead is gone."""

import asyncio
import socket
from contextlib import suppress

from dispatcher.cli.loop import run_async
from dispatcher.crew.member import _deliver


async def part() -> None:
    ours, theirs = socket.socketpair()
    _, writer = await asyncio.open_unix_connection(sock=ours)
    theirs.close()
    writer.write(b"a report\n")
    with suppress(OSError):
        await writer.wait_closed()
    await _deliver(writer, b"the last one\n")


def test_a_lead_that_is_gone_does_not_hide_how_the_member_ended():
    run_async(part())
