"""What an operator does to the broker while mails flow; and what a line does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import aio_pika

from helpers.node import Node
from tests.faults.bench import MESSAGES, QUEUE, Bench
from tests.faults.count import Promise
from tests.faults.publisher import broker_may_be_away, through
from tests.management import Management, rabbitmqctl
from tests.proxy import Proxy
from tests.smtp_server import SmtpServer
from tests.waiting import until

EXCHANGE = "dispatcher"


async def test_the_operator_closes_the_connections(bench: Bench, node: Node, virtual_host: str):
    await bench.publish()
    await bench.start()
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        await rabbitmqctl(node, "close_all_connections", "-p", virtual_host, "maintenance")

    await bench.verdict("connections closed by the operator")


async def test_the_queue_is_deleted(bench: Bench):
    """What waits in it goes with it, by the operator's will; what is in hand was taken out before, and is sent."""
    await bench.publish()
    daemon = await bench.start()
    await bench.sent(MESSAGES // 5)
    async with bench.fault(), bench.operator() as channel:
        deleted = await channel.queue_delete(QUEUE)
        bench.gone += deleted.message_count or 0
    await until(lambda: _taken_twice(daemon.log), within=10, what="the queue is taken from again")
    await bench.publish(50)

    await bench.verdict("queue deleted")


async def test_the_queue_is_deleted_and_made_again_with_other_arguments(bench: Bench):
    await bench.publish()
    daemon = await bench.start()
    await bench.sent(MESSAGES // 5)
    async with bench.fault(), bench.operator() as channel:
        deleted = await channel.queue_delete(QUEUE)
        bench.gone += deleted.message_count or 0
        bench.arguments = {"x-max-length": 100_000, "x-queue-type": "classic"}
        with broker_may_be_away():  # where the daemon was quicker, its queue is deleted once more
            await channel.declare_queue(QUEUE, durable=True, arguments=bench.arguments)
    await until(lambda: _taken_twice(daemon.log), within=10, what="the queue is taken from again")
    bench.arguments = {}
    async with bench.flow():
        await bench.sent(len(bench.expected) - bench.gone + 50)

    await bench.verdict("queue deleted, made again with other arguments")


def _taken_twice(log: list[dict[str, str]]) -> bool:
    return 2 <= sum(line["event"] == f"taking deliveries from the queue {QUEUE}" for line in log)


async def test_the_queue_is_purged(bench: Bench):
    await bench.publish()
    await bench.start()
    await bench.sent(MESSAGES // 5)
    async with bench.flow(), bench.fault(), bench.operator() as channel:
        purged = await (await channel.get_queue(QUEUE)).purge()
        bench.gone += purged.message_count or 0
        await bench.sent(len(bench.expected) - bench.gone + 20)

    await bench.verdict("queue purged")


async def test_the_exchange_is_deleted(bench: Bench):
    await bench.publish()
    await bench.start()
    await bench.sent(MESSAGES // 5)
    async with bench.flow():
        async with bench.fault(), bench.operator() as channel:
            await channel.exchange_delete(EXCHANGE)
        await until(lambda: _may_publish_through(bench, EXCHANGE), within=10, what="the exchange is there again")
    async with bench.operator() as channel:
        letters = await channel.get_queue(f"{QUEUE}.dead", ensure=False)
        await until(lambda: _takes_one(letters), within=60, what="the dead letter of an empty body")

    await bench.verdict("exchange deleted")


async def _may_publish_through(bench: Bench, exchange: str) -> bool:
    """Tell whether the exchange exists and is bound, by an empty body, which becomes a dead letter."""
    async with bench.operator() as channel:
        try:
            found = await channel.get_exchange(exchange)
            await found.publish(aio_pika.Message(b"", message_id="probe"), routing_key=f"{QUEUE}", timeout=5)
        except (aio_pika.exceptions.ChannelNotFoundEntity, aio_pika.exceptions.PublishError):
            return False
        return True


async def _takes_one(letters: aio_pika.abc.AbstractQueue) -> bool:
    return await letters.get(no_ack=True, fail=False) is not None


async def test_the_password_is_changed(bench: Bench, node: Node, management: Management, virtual_host: str):
    user = f"user-of-{virtual_host}"
    await management.add_user(user, virtual_host, ".*", ".*", ".*")
    await bench.publish()
    url = f"amqp://{user}:{user}@127.0.0.1:{node.amqp_port}/{virtual_host}"
    daemon = await bench.start(brokers__rabbitmq__url=url)
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        await management.call("PUT", f"users/{user}", {"password": "another", "tags": ""})
        await rabbitmqctl(node, "close_all_connections", "-p", virtual_host, "the password was changed")
        await until(lambda: any("login" in line["event"] for line in daemon.log), what="the refused login is said")
        await management.call("PUT", f"users/{user}", {"password": user, "tags": ""})

    await bench.verdict("password changed, and changed back")
    await management.call("DELETE", f"users/{user}")


@asynccontextmanager
async def _full(management: Management, virtual_host: str, pattern: str) -> AsyncIterator[None]:
    """Let queues take no more than two messages."""
    path = f"policies/{quote(virtual_host, safe='')}/full"
    limit = {"max-length": 2, "overflow": "reject-publish"}
    await management.call("PUT", path, {"pattern": pattern, "definition": limit, "apply-to": "queues"})
    try:
        yield
    finally:
        await management.call("DELETE", path)


async def test_a_delay_queue_is_full(bench: Bench, smtp: SmtpServer, management: Management, virtual_host: str):
    await bench.publish()
    daemon = await bench.start()
    await bench.sent(MESSAGES // 5)
    async with bench.fault(), _full(management, virtual_host, rf"^{QUEUE}\.retry\."):
        smtp.answer("MAIL", *["451 4.3.0 not now"] * 40)
        await until(lambda: any("nothing is taken" in line["event"] for line in daemon.log), what="it is said")

        smtp.forget()

    await bench.verdict("delay queue full (reject-publish), some mails answered 451", Promise(burnt=None))


async def test_the_line_to_the_broker_is_cut(bench: Bench, broker_proxy: Proxy, virtual_host: str):
    await bench.publish()
    await bench.start(brokers__rabbitmq__url=through(broker_proxy, virtual_host))
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        broker_proxy.cut()

    await bench.verdict("line to the broker reset")


async def test_the_line_to_the_broker_is_half_open(bench: Bench, broker_proxy: Proxy, virtual_host: str):
    """Found by the heartbeat, after about four of them; new connections would work at once, so that counts as time."""
    await bench.publish()
    await bench.start(brokers__rabbitmq__url=through(broker_proxy, virtual_host), brokers__rabbitmq__heartbeat="1s")
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        broker_proxy.vanish()
    lines = broker_proxy.taken
    await until(lambda: broker_proxy.taken > lines, what="the daemon connects anew")

    await bench.verdict("line to the broker half-open (heartbeat 1 s)")


async def test_the_line_to_the_broker_is_slow(bench: Bench, broker_proxy: Proxy, virtual_host: str):
    await bench.publish()
    await bench.start(brokers__rabbitmq__url=through(broker_proxy, virtual_host))
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        broker_proxy.delay = 0.2
        await bench.sent(MESSAGES // 2)
        broker_proxy.delay = 0

    await bench.verdict("line to the broker slow, 0.2 s for each piece")
