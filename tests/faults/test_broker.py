"""The broker goes: stopped, killed, frozen, absent, in need of memory."""

import asyncio

import pytest

from helpers.node import Node
from tests.faults.bench import MESSAGES, Bench
from tests.faults.conftest import BenchMaker
from tests.faults.sink import Sink


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_the_broker_goes_and_comes_back(fragile_bench: Bench, fragile_node: Node, how: str, kind: str):
    fragile_bench.arguments = {"x-queue-type": kind}
    await fragile_bench.publish()
    await fragile_bench.start()
    await fragile_bench.sent(MESSAGES // 5)
    async with fragile_bench.fault():
        await asyncio.to_thread(getattr(fragile_node, how))
        await asyncio.to_thread(fragile_node.start)

    await fragile_bench.verdict(f"broker {'stopped' if how == 'stop' else 'kill -9'}, started again ({kind} queue)")


async def test_the_broker_is_killed_and_postfix_counts(benches: BenchMaker, fragile_node: Node, sink: Sink):
    bench = await benches(fragile_node.url, sink)
    await bench.publish()
    await bench.start()
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        await asyncio.to_thread(fragile_node.kill)
        await asyncio.to_thread(fragile_node.start)

    await bench.verdict("broker kill -9, started again (counted by Postfix's smtp-sink)")
