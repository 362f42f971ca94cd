"""The broker goes: stopped, killed, frozen, absent, in need of memory, out of patience."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from helpers.node import Node
from tests.faults.bench import LONG, MESSAGES, PAUSE, QUEUE, Bench
from tests.faults.conftest import BenchMaker
from tests.faults.count import Promise
from tests.faults.sink import Sink
from tests.management import memory_alarm, rabbitmqctl
from tests.smtp_server import HANG, SmtpServer
from tests.waiting import until

FROZEN = 60 if LONG else 12
"""Seconds for which a broker stands still: several heartbeats."""

WAYS = [("stop", "quorum"), ("kill", "classic"), *([("stop", "classic"), ("kill", "quorum")] if LONG else [])]


@pytest.mark.parametrize(("how", "kind"), WAYS)
async def test_the_broker_goes_and_comes_back(fragile_bench: Bench, fragile_node: Node, how: str, kind: str):
    fragile_bench.arguments = {"x-queue-type": kind}
    await fragile_bench.publish()
    await fragile_bench.start()
    await fragile_bench.sent(MESSAGES // 5)
    async with fragile_bench.fault():
        await asyncio.to_thread(getattr(fragile_node, how))
        await asyncio.to_thread(fragile_node.start)

    await fragile_bench.verdict(f"broker {'stopped' if how == 'stop' else 'kill -9'}, started again ({kind} queue)")


async def test_the_broker_is_killed_and_postfix_counts(benches: BenchMaker, fragile_node: Node, tmp_path: Path):
    async with Sink(tmp_path / "sink", "-w", "1") as sink:  # a second for each mail
        bench = await benches(fragile_node.url, sink)
        await bench.publish(MESSAGES // 2)
        await bench.start(notifiers__email__connections=50)
        await bench.sent(MESSAGES // 5)
        async with bench.fault():
            await asyncio.to_thread(fragile_node.kill)
            await asyncio.to_thread(fragile_node.start)

        await bench.verdict("broker kill -9, counted by Postfix's smtp-sink")


async def test_the_broker_is_killed_while_messages_wait_for_another_try(
    fragile_bench: Bench, fragile_node: Node, smtp: SmtpServer
):
    """What waits in a delay queue is the broker's alone."""
    fragile_bench.arguments = {"x-queue-type": "quorum"}
    smtp.answer("RCPT", "451 4.3.0 not now", about="7@", always=True)
    await fragile_bench.publish()
    await fragile_bench.start(service__retry__ladder="2400ms")
    await fragile_bench.sent(MESSAGES // 2)
    async with fragile_bench.fault():
        smtp.forget()
        waiting = await fragile_bench.waiting(f"{QUEUE}.retry.2400ms")
        await asyncio.to_thread(fragile_node.kill)
        await asyncio.to_thread(fragile_node.start)
    assert waiting > 0

    await fragile_bench.verdict(
        "broker kill -9, messages in a delay queue (quorum queue)", Promise(burnt=MESSAGES // 10)
    )


async def test_the_broker_is_frozen(fragile_bench: Bench, fragile_node: Node):
    await fragile_bench.publish()
    await fragile_bench.start()
    await fragile_bench.sent(MESSAGES // 5)
    broker = int((fragile_node.folder / "rabbitmq.pid").read_text())
    async with fragile_bench.fault():
        os.kill(broker, signal.SIGSTOP)
        try:
            await asyncio.sleep(FROZEN)  # the fault itself
        finally:
            os.kill(broker, signal.SIGCONT)

    await fragile_bench.verdict(f"broker frozen for {FROZEN} s (heartbeat 2 s)")


async def test_the_broker_is_not_there_yet(fragile_bench: Bench, fragile_node: Node):
    await fragile_bench.publish()
    await asyncio.to_thread(fragile_node.stop)
    async with fragile_bench.fault():
        daemon = await fragile_bench.start(ready=False)
        await until(lambda: any("trying on until it can" in line["event"] for line in daemon.log))
        await asyncio.to_thread(fragile_node.start)

    await fragile_bench.verdict("broker absent at start")


async def test_the_broker_is_short_of_memory(fragile_bench: Bench, fragile_node: Node, smtp: SmtpServer):
    """It confirms nothing: what has to be tried again cannot be recorded."""
    await fragile_bench.publish()
    daemon = await fragile_bench.start()
    await fragile_bench.sent(MESSAGES // 5)
    smtp.pause = 1.0  # it takes seconds to raise the alarm, and there must be work left then
    async with fragile_bench.fault(), memory_alarm(fragile_node):
        smtp.answer("MAIL", *["451 4.3.0 not now"] * 5)
        await until(lambda: any("nothing is taken" in line["event"] for line in daemon.log), what="it is said")
        smtp.pause = PAUSE

    await fragile_bench.verdict("memory alarm, 5 mails answered 451", Promise(burnt=5))


async def test_the_broker_takes_away_what_is_held_for_too_long(
    fragile_bench: Bench, fragile_node: Node, smtp: SmtpServer
):
    """`consumer_timeout`, half an hour as a rule: the AMQP channel is closed with all that is in hand.

    From 4.3 on only quorum queues do that, and cancel the consumer alone.
    """
    if fragile_node.version >= (4, 3):
        fragile_bench.arguments = {"x-queue-type": "quorum"}
    await rabbitmqctl(fragile_node, "-q", "eval", _consumer_timeout("2000", "500"))
    try:
        await fragile_bench.publish()
        daemon = await fragile_bench.start()
        await fragile_bench.sent(MESSAGES // 5)
        async with fragile_bench.fault():
            smtp.answer("MAIL", *[HANG] * 10)
            await until(lambda: any("ended the deliveries" in line["event"] for line in daemon.log), what="it is seen")
            smtp.forget()
            smtp.cut()
    finally:
        await rabbitmqctl(fragile_node, "-q", "eval", _consumer_timeout("1800000", "60000"))

    await fragile_bench.verdict("AMQP channel closed by a consumer time-out")


def _consumer_timeout(milliseconds: str, every: str) -> str:
    return (
        f"application:set_env(rabbit, consumer_timeout, {milliseconds}), "
        f"application:set_env(rabbit, channel_tick_interval, {every})."
    )
