"""Three nodes, two daemons, and the node that led the queue is gone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatcher.brokers.topology import work_arguments
from tests.daemon import Daemon
from tests.faults.bench import MESSAGES, QUEUE
from tests.faults.cluster import Cluster
from tests.faults.conftest import BenchMaker
from tests.faults.publisher import through
from tests.proxy import Proxy
from tests.smtp_server import SmtpServer
from tests.waiting import until

pytestmark = pytest.mark.alone

CONNECTED = "connected to RabbitMQ at amqp://127.0.0.1:"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    (tmp_path / "cluster").mkdir()
    cluster = await asyncio.to_thread(Cluster(tmp_path / "cluster").__enter__)
    yield cluster
    await asyncio.to_thread(cluster.__exit__)


def nodes_used(daemon: Daemon) -> list[int]:
    """Give the ports to which a daemon said that it was connected, in order."""
    said = [line["event"] for line in daemon.log if line["event"].startswith(CONNECTED)]
    return [int(text.removeprefix(CONNECTED).rstrip("/")) for text in said]


async def test_the_leader_of_the_queue_is_killed(cluster: Cluster, benches: BenchMaker, smtp: SmtpServer):
    """One daemon is at that node, and has to find another; for the other one only the queue moves."""
    nodes = {f"127.0.0.1:{port}" for port in cluster.ports.values()}
    settings = {
        "brokers__rabbitmq__url": "amqp://guest:guest@cluster.invalid/",
        "brokers__rabbitmq__queue_type": "quorum",
    }
    async with Proxy(cluster.first.amqp_port) as publishers:
        bench = await benches(through(publishers, ""), smtp, arguments=work_arguments(QUEUE, "quorum"))
        moves = await bench.start(brokers__rabbitmq__nodes=",".join(nodes), **settings)
        (lost,) = nodes_used(moves)
        leader = await asyncio.to_thread(cluster.leader, QUEUE)
        assert cluster.ports[leader] == lost, "who makes a queue has its leader at his own node"
        others = nodes - {f"127.0.0.1:{lost}"}
        stays = await bench.start(brokers__rabbitmq__nodes=",".join(others), **settings)
        publishers.target = int(min(others).rpartition(":")[2])
        await bench.publish()
        async with bench.flow():
            await bench.sent(MESSAGES // 5)
            async with bench.fault():
                await asyncio.to_thread(cluster.kill, leader)
                await until(lambda: len(nodes_used(moves)) > 1, what="another node is found")
            before = len(bench.arrived())
            await bench.sent(before + 10)

        await bench.verdict("cluster of three, two daemons, the queue's leader kill -9")

    assert {f"127.0.0.1:{port}" for port in nodes_used(moves)[1:]} <= others
    assert 1 == len(nodes_used(stays))
