"""What RabbitMQ does otherwise from one version to the next, and that it makes no difference to messages.

`make test-rabbitmq4` runs these, and all others, on a newer one; docs/rabbitmq.md has them as a table.
"""

import asyncio
from collections.abc import AsyncIterator

import aio_pika
import pytest

from dispatcher.brokers.rabbitmq import RabbitBroker
from dispatcher.brokers.rabbitmq.delivery import MANY_RETURNS
from dispatcher.brokers.topology import DELIVERY_LIMIT, dead_queue
from dispatcher.words.errors import BrokerError
from dispatcher.words.outcomes import Accepted, Deferred, Released
from helpers.node import Node
from tests.brokers.contract import FAILURE, SHORT, message, take, taking
from tests.brokers.rabbit import connected, operator, settings
from tests.management import Management, rabbitmqctl
from tests.waiting import until

LIMIT_OF_RABBITMQ_4 = 20
MEBIBYTE = 1 << 20


@pytest.fixture
def is_4(node: Node) -> bool:
    return node.version >= (4,)


async def test_it_says_which_it_is(node: Node):
    async with await aio_pika.connect(node.url) as connection:
        said = connection.transport.connection.server_properties["version"]

    assert said == ".".join(map(str, node.version))


async def put_back(channel: aio_pika.abc.AbstractChannel, queue: str, times: int) -> None:
    """Take the first message of a queue and put it back, so many times; not with nack, which 4.3 does not count."""
    found = await channel.get_queue(queue, ensure=False)
    for _ in range(times):
        await (await found.get(timeout=5)).reject(requeue=True)


async def length(node: Node, queue: str) -> int:
    async with operator(node) as channel:
        return (await channel.declare_queue(queue, passive=True)).declaration_result.message_count or 0


class TestTheDeliveryLimit:
    """From 4.0 on, a quorum queue drops what was handed out 20 times, where it was not told otherwise."""

    async def quorum_queue(self, channel: aio_pika.abc.AbstractChannel, queue: str) -> None:
        await channel.declare_queue(queue, durable=True, arguments={"x-queue-type": "quorum"})
        await channel.default_exchange.publish(aio_pika.Message(b"{}", message_id="1"), routing_key=queue)

    async def test_rabbitmq_4_has_one_of_its_own(self, node: Node, queue: str, is_4):
        async with operator(node) as channel:
            await self.quorum_queue(channel, queue)
            await put_back(channel, queue, LIMIT_OF_RABBITMQ_4 + 1)
            found = await channel.get_queue(queue, ensure=False)
            left = await found.get(timeout=5, fail=False)

        assert is_4 == (left is None)

    async def test_it_is_not_reached_while_a_daemon_takes(self, node: Node, broker: RabbitBroker, queue: str, is_4):
        """A queue that a publisher made, or the virtual host's default: nobody gave it a limit."""
        async with operator(node) as channel:
            await self.quorum_queue(channel, queue)
            counts, known = [], []
            for _ in range(3):
                await put_back(channel, queue, MANY_RETURNS + 1)
                async with taking(broker, queue) as deliveries:
                    delivery = await take(deliveries)
                    counts.append((delivery.message.id, delivery.message.returned, delivery.message.redelivered))
                    known.append((delivery.message.seen_before, delivery.message.copy))
                    await delivery.settle(Released())

        assert [("1", 0, False)] * 3 == counts
        assert [(True, None)] * 3 == known, "what was sent the last time is not sent again"
        assert 3 * MANY_RETURNS > LIMIT_OF_RABBITMQ_4

    async def test_beyond_ours_is_a_dead_letter_that_can_be_published_again(self, node: Node, queue: str):
        """As it is, with the broker's headers: RabbitMQ 3 believes them and would drop a copy as going in circles."""
        async with connected(settings(node, queue_type="quorum")) as broker, operator(node) as channel:
            await broker.publish(queue, message(b"1"))
            await put_back(channel, queue, DELIVERY_LIMIT + 1)
            await until(lambda: length(node, dead_queue(queue)))
            letter = await (await channel.get_queue(dead_queue(queue), ensure=False)).get()
            await channel.default_exchange.publish(letter, routing_key=queue)
            await letter.ack()
            async with taking(broker, queue) as deliveries:
                again = await take(deliveries)
                await again.settle(Deferred(again.message, SHORT, FAILURE))
                last = await take(deliveries)
                await last.settle(Accepted())

        assert "delivery_limit" == letter.headers["x-first-death-reason"]
        assert (b"1", again.message.id) == (last.message.body, last.message.id)


class TestTheDefaultQueueType:
    """From 4.0 on, a virtual host can say what a queue is that was declared without a type."""

    @pytest.fixture
    async def host(self, management: Management, virtual_host: str) -> str:
        await management.call("PUT", f"vhosts/{virtual_host}", {"default_queue_type": "quorum"})
        return virtual_host

    async def kind(self, management: Management, host: str) -> str:
        return (await management.call("GET", f"queues/{host}/email"))["type"]

    async def test_work_queues_become_what_it_says(self, node: Node, management: Management, host: str, is_4):
        async with connected(settings(node, node.url + host)) as broker, taking(broker, "email") as deliveries:
            await broker.publish("email", message(b"1"))
            await (await take(deliveries)).settle(Accepted())

            assert ("quorum" if is_4 else "classic") == await self.kind(management, host)

    async def test_a_classic_queue_of_before_stays_in_use(self, node: Node, management: Management, host: str):
        async with operator(node, host) as channel:
            await channel.declare_queue("email", durable=True, arguments={"x-queue-type": "classic"})
        async with connected(settings(node, node.url + host)) as broker, taking(broker, "email") as deliveries:
            await broker.publish("email", message(b"1"))

            assert b"1" == (await take(deliveries)).message.body
        assert "classic" == await self.kind(management, host)


async def test_a_message_that_is_too_large_is_told(node: Node, broker: RabbitBroker, queue: str, is_4):
    """16 MiB from 4.0 on, 128 MiB before. The next one goes through."""
    await broker.declare(queue)
    large = broker.publish(queue, message(b"x" * (17 * MEBIBYTE)))
    if is_4:
        with pytest.raises(BrokerError, match=r"nothing may be published.*size"):
            await large
    else:
        await large
    await broker.publish(queue, message())

    assert (1 if is_4 else 2) == await length(node, queue)


USUAL = {"channel_tick_interval": 60_000, "consumer_timeout": 1_800_000}
"""Milliseconds: how often an AMQP channel looks whether something was not acked for how long."""


async def be_patient(node: Node, patience: dict[str, int]) -> None:
    """Set how long the broker waits for acks on what is opened from now on."""
    settings = [f"application:set_env(rabbit, {name}, {value})" for name, value in patience.items()]
    await rabbitmqctl(node, "-q", "eval", f"{', '.join(settings)}.")


@pytest.fixture
async def impatient(node: Node) -> AsyncIterator[None]:
    await be_patient(node, {"channel_tick_interval": 500, "consumer_timeout": 1_000})
    yield
    await be_patient(node, USUAL)


async def test_what_is_held_too_long_comes_again(impatient: None, node: Node, queue: str):
    """After half an hour: with the AMQP channel, or, from 4.3 on and only of quorum queues, with the consumer."""

    async def hold(kind: str) -> tuple[str, str]:
        work = f"{queue}-{kind}"
        async with connected(settings(node, queue_type=kind)) as broker, taking(broker, work) as deliveries:
            await broker.publish(work, message(b"1"))
            held = await take(deliveries)
            again = await take(deliveries)
            await again.settle(Accepted())
        return held.message.id, again.message.id

    kinds = ["quorum"] if node.version >= (4, 3) else ["quorum", "classic"]
    for held, again in await asyncio.gather(*map(hold, kinds)):
        assert held == again
