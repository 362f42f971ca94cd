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

BACKLOG = 20_000
PROBES = 240
"""So many does an outage of two hours see, when the longest wait is a minute and the half of it random."""

GROWTH = 10_000
"""kB that a daemon may grow while it waits."""


async def test_the_mail_server_is_away_for_two_hours(bench: Bench, smtp: SmtpServer):
    smtp.pause = 0.0
    smtp.answer("CONNECT", "421 4.3.2 down for maintenance", always=True)
    await bench.publish(BACKLOG)
    daemon = await bench.start(service__probe__longest="200ms")
    async with bench.fault():
        await until(lambda: smtp.seen["CONNECT"] > 20, within=60, what="the first probes")
        before = daemon.memory
        await until(lambda: smtp.seen["CONNECT"] > PROBES, within=300, what="two hours of probes")
        grown = daemon.memory - before
        untouched = await bench.waiting()
        smtp.forget()

    await bench.verdict(f"SMTP away for two hours, {BACKLOG} mails waiting", within=600)

    assert BACKLOG == untouched
    assert grown < GROWTH, f"the daemon grew by {grown} kB while it waited"


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
