"""What takes its time: `make faults` only."""

import asyncio
from pathlib import Path

from dispatcher.brokers.topology import work_arguments
from tests.faults.bench import MESSAGES, QUEUE, Bench
from tests.faults.cluster import Cluster
from tests.faults.conftest import BenchMaker
from tests.faults.count import Promise
from tests.faults.publisher import through
from tests.proxy import Proxy
from tests.smtp_server import SmtpServer
from tests.waiting import until

IN_VAIN = ("RabbitMQ hands out nothing of the queue", "cannot take from the queue")


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


async def test_a_cluster_loses_its_majority_and_gets_it_back(benches: BenchMaker, smtp: SmtpServer, tmp_path: Path):
    """The node that is left takes connections, but neither gives nor takes messages."""
    cluster = await asyncio.to_thread(Cluster(tmp_path).__enter__)
    try:
        bench = await benches(cluster.first.url, smtp, arguments=work_arguments(QUEUE, "quorum"))
        nodes = ",".join(f"127.0.0.1:{port}" for port in cluster.ports.values())
        daemon = await bench.start(brokers__rabbitmq__queue_type="quorum", brokers__rabbitmq__nodes=nodes)
        await bench.publish()
        await bench.sent(MESSAGES // 5)
        async with bench.fault():
            for member in cluster.others:
                await asyncio.to_thread(member.kill)
            # At the node that is left it waits in vain; from one of the others it has to come there first.
            await until(lambda: any(line["event"].startswith(IN_VAIN) for line in daemon.log), within=60)
            member = cluster.others[0]
            member.start()
            await asyncio.to_thread(member.await_ready)

        await bench.verdict("cluster of three, two kill -9, one comes back", Promise(recovery=45.0), within=120)
    finally:
        await asyncio.to_thread(cluster.__exit__)
