"""What takes its time: `make faults` only."""

import asyncio
from pathlib import Path

from tests.faults.bench import MESSAGES, QUEUE, Bench
from tests.faults.cluster import Cluster
from tests.faults.conftest import BenchMaker
from tests.faults.publisher import through
from tests.proxy import Proxy
from tests.smtp_server import SmtpServer
from tests.waiting import until


async def test_the_line_to_the_broker_stands_still(bench: Bench, broker_proxy: Proxy, virtual_host: str):
    await bench.publish()
    daemon = await bench.start(brokers__rabbitmq__url=through(broker_proxy, virtual_host))
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        broker_proxy.freeze()
        await until(lambda: any("was lost" in line["event"] for line in daemon.log), within=15, what="the loss is seen")
        broker_proxy.thaw()

    await bench.verdict("line to the broker frozen until the heartbeat notices")


async def test_the_leader_of_a_cluster_is_killed(benches: BenchMaker, smtp: SmtpServer, tmp_path: Path):
    """The daemon connects through a balancer, as in production: to the leader first, then to who is left."""
    cluster = await asyncio.to_thread(Cluster(tmp_path).__enter__)
    try:
        async with Proxy(cluster.first.amqp_port) as balancer:
            bench = await benches(through(balancer, ""), smtp, arguments={"x-queue-type": "quorum"})
            await bench.publish()
            leader = await asyncio.to_thread(cluster.leader, QUEUE)
            balancer.target = cluster.ports[leader]
            await bench.start()
            await bench.sent(MESSAGES // 5)
            async with bench.fault():
                await asyncio.to_thread(cluster.kill, leader)
                balancer.target = next(port for name, port in cluster.ports.items() if name != leader)
                balancer.cut()

            await bench.verdict("cluster of three, the queue's leader kill -9")
    finally:
        await asyncio.to_thread(cluster.__exit__)
