"""However many dead letters there are, the daemon starts as fast, works as fast and is no larger."""

import asyncio
from time import monotonic

import aio_pika

from dispatcher.brokers.topology import dead_arguments, dead_queue
from tests.cli.command import run
from tests.faults.bench import LONG, QUEUE, Bench, usual_settings

LETTERS = 100_000 if LONG else 3_000
AT_ONCE = 500
MAILS = 50

SLOWER = 5.0
"""Seconds that starting may take longer than without any: the machine is shared."""

LARGER = 10_000
"""kB that a daemon may be larger than without any."""


async def test_dead_letters_in_great_number_are_nobodys_burden(bench: Bench):
    started, size = await life(bench)
    await bury(bench, LETTERS)
    started_then, size_then = await life(bench)

    assert LETTERS == await bench.waiting(dead_queue(QUEUE))
    assert started_then < started + SLOWER
    assert size_then < size + LARGER
    assert "queue email" in await check(bench)


async def life(bench: Bench) -> tuple[float, int]:
    """Let a daemon send some mails; give how long it took to start, in seconds, and how large it was, in kB."""
    await bench.publish(MAILS)
    began = monotonic()
    daemon = await bench.start()
    took = monotonic() - began
    await bench.sent(len(bench.expected))
    size = daemon.memory
    daemon.terminate()

    assert 0 == await daemon.ended()
    return took, size


async def bury(bench: Bench, count: int) -> None:
    name = dead_queue(QUEUE)
    letter = aio_pika.Message(b"{}", headers={"dispatcher-reason": "malformed"}, delivery_mode=2)
    async with bench.operator() as channel:
        await channel.declare_queue(name, durable=True, arguments=dict(dead_arguments()))
        for _ in range(0, count, AT_ONCE):
            publish = (channel.default_exchange.publish(letter, routing_key=name) for _ in range(AT_ONCE))
            await asyncio.gather(*publish)


async def check(bench: Bench) -> str:
    """Give what `dispatcher check` says."""
    checked = await run("check", folder=bench.folder, **usual_settings(bench.url, bench.mails.port))

    assert 0 == checked.code, checked.out
    return checked.out
