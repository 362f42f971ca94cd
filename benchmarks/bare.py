"""One bare round after the other: publish, consume, render, pipelined SMTP, acknowledge; nothing around it.

    python -m benchmarks.bare URL QUEUE FOLDER PORT COUNT

It prints the milliseconds from publishing to the mail server's 250, of each round. The next one begins a moment later.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import aiormq
import uvloop

from benchmarks import envelopes, work
from benchmarks.floor import Clock, Conversation, a_mail, renderer

if TYPE_CHECKING:
    from aiormq.abc import DeliveredMessage

PAUSE = 0.005
FIRST = 50


class One(Conversation):
    """A conversation of one mail at a time."""

    def begin(self) -> asyncio.Future[float]:
        """Send a mail; give when it was taken."""
        self._sent = asyncio.get_running_loop().create_future()
        self.send()
        return self._sent

    def taken(self) -> None:
        """Say when."""
        self._sent.set_result(time.monotonic())


async def main(url: str, queue: str, folder: str, port: int, count: int) -> list[float]:
    """Go so many rounds."""
    templates, parameters, loop = renderer(Path(folder)), work.parameters(), asyncio.get_running_loop()
    connection = await aiormq.connect(url)
    channel = await connection.channel(publisher_confirms=False)
    _, smtp = await loop.create_connection(lambda: One(a_mail(), Clock(0)), "127.0.0.1", port)
    await smtp.ready
    waits, done = [], asyncio.Event()

    async def take(message: DeliveredMessage) -> None:
        json.loads(message.body)
        for one in templates:
            one.render(parameters)
        at = await smtp.begin()
        await channel.basic_ack(cast("int", message.delivery_tag))
        waits.append(1000 * (at - published))
        done.set()

    await channel.basic_consume(queue, take)
    for number in range(FIRST + count):
        envelope = envelopes.plain(work.mail(number))
        done.clear()
        published = time.monotonic()
        await channel.basic_publish(envelope.body, routing_key=queue)
        await done.wait()
        await asyncio.sleep(PAUSE)
    await connection.close()
    return waits[FIRST:]


if __name__ == "__main__":
    address, name, place, number, times = sys.argv[1:]
    print(json.dumps(uvloop.run(main(address, name, place, int(number), int(times)))))
