"""The daemon ends: killed, asked to, one of two."""

import asyncio
import random

from tests.faults.bench import LONG, MESSAGES, Bench
from tests.faults.count import Promise

KILLS = 20 if LONG else 5


async def test_the_daemon_is_killed_at_random_moments(bench: Bench, kind: str):
    bench.arguments = {"x-queue-type": kind}
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    print(f"seed {seed}")
    await bench.publish()
    daemon = await bench.start()
    async with bench.fault():
        for _ in range(KILLS):
            await bench.sent(len(bench.arrived()) + chance.randrange(1, MESSAGES // KILLS // 2))
            await asyncio.sleep(chance.uniform(0, 0.1))  # any moment at all
            await bench.kill(daemon)
            await daemon.start()

    # Each death costs an attempt to what was in hand: that is what ends a message that kills.
    await bench.verdict(f"daemon kill -9, {KILLS} times ({kind} queue)", Promise(burnt=None))


async def test_the_daemon_is_killed_again_and_again_before_it_gets_far(bench: Bench):
    """The same messages are in hand each time, and they are innocent."""
    await bench.publish()
    daemon = await bench.start()
    async with bench.fault():
        for _ in range(4):
            await bench.sent(len(bench.arrived()) + 1)
            await bench.kill(daemon)
            await daemon.start()

    await bench.verdict("daemon kill -9, 4 times, as soon as it sends", Promise(burnt=None))


async def test_the_daemon_is_asked_to_end(bench: Bench):
    await bench.publish()
    daemon = await bench.start()
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        daemon.terminate()
        assert 0 == await daemon.ended()
        await daemon.start()

    await bench.verdict("daemon SIGTERM, started again")


async def test_one_of_two_daemons_is_killed(bench: Bench, kind: str):
    bench.arguments = {"x-queue-type": kind}
    await bench.publish()
    killed, _ = await asyncio.gather(bench.start(), bench.start())
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        await bench.kill(killed)

    await bench.verdict(f"two daemons, one kill -9 ({kind} queue)", Promise(burnt=None))


async def test_processes_of_a_daemon_are_killed_one_after_the_other(bench: Bench):
    await bench.publish()
    daemon = await bench.start(service__processes=2)
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        for _ in range(2):
            bench.kill_member(daemon)
            await bench.sent(len(bench.arrived()) + 10)

    await bench.verdict("two processes, kill -9 of one, twice", Promise(burnt=None))
    assert 2 == sum("was killed by SIGKILL" in line["event"] for line in daemon.log)
