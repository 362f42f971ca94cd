"""What cannot be recorded must not be tried: a broker that takes in no copies is not taken from."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from dispatcher.brokers.base import Delivery, Subscription
from dispatcher.brokers.rabbitmq import RabbitBroker, keeper
from dispatcher.brokers.topology import dead_queue, retry_queue
from dispatcher.words.errors import BrokerError, DeliveryLost
from dispatcher.words.outcomes import Accepted, Deferred, Rejected, Released
from helpers.node import Node
from tests.brokers.contract import FAILURE, SHORT, WITHIN, message, take, taking
from tests.brokers.rabbit import amqp_channels, connected, consumers, operator, settings
from tests.management import Management, memory_alarm
from tests.waiting import until

BLOCKED = "RabbitMQ takes in nothing that is published (a memory or disk alarm)"


@asynccontextmanager
async def subscribed(broker: RabbitBroker, queue: str) -> AsyncIterator[tuple[Subscription, AsyncIterator[Delivery]]]:
    subscription = await broker.subscribe(queue, prefetch=10)
    yield subscription, aiter(subscription)
    await subscription.stop()


async def limit(broker: RabbitBroker, management: Management, queue: str) -> None:
    """Let a queue take nothing more, until its policy is taken away."""
    definition = {"max-length": 1, "overflow": "reject-publish"}
    pattern = f"^{queue}$".replace(".", r"\.")
    policy = {"pattern": pattern, "definition": definition, "apply-to": "queues"}
    await management.call("PUT", f"policies/%2F/{queue}", policy)
    # A quorum queue takes a few more than its limit before it says no.
    await asyncio.gather(*(broker.publish(queue, message()) for _ in range(50)), return_exceptions=True)


@asynccontextmanager
async def full(node: Node, broker: RabbitBroker, management: Management, queue: str) -> AsyncIterator[None]:
    """Let a queue of dead letters be full."""
    dead = dead_queue(queue)
    await limit(broker, management, dead)
    yield
    async with operator(node) as channel:
        await (await channel.get_queue(dead, ensure=False)).purge()
    await management.call("DELETE", f"policies/%2F/{dead}")


def lines(caplog: pytest.LogCaptureFixture, text: str) -> int:
    return sum(text in record.getMessage() for record in caplog.records)


class TestAnAlarm:
    """A memory alarm: what publishes is not read any more."""

    async def test_nothing_is_taken_until_it_ends_while_acks_get_through(
        self, node: Node, broker: RabbitBroker, queue: str, management: Management, caplog
    ):
        caplog.set_level(logging.INFO)
        async with subscribed(broker, queue) as (subscription, deliveries):
            for number in range(2):
                await broker.publish(queue, message(b"%d" % number))
            kept, done = await take(deliveries), await take(deliveries)
            async with memory_alarm(node):
                settling = asyncio.ensure_future(kept.settle(Rejected(kept.message, FAILURE)))
                await until(lambda: subscription.trouble == BLOCKED)
                await until(lambda: no_consumers(node, queue))
                await done.settle(Accepted())

                async def acked() -> bool:
                    found = await management.call("GET", f"queues/%2F/{queue}")
                    return 1 == found.get("messages_unacknowledged")

                await until(acked)
                assert not settling.done()
            async with asyncio.timeout(WITHIN):
                await settling
            await until(lambda: subscription.trouble is None)
            await broker.publish(queue, message(b"after"))

            assert b"after" == (await take(deliveries)).message.body
        async with taking(broker, dead_queue(queue)) as dead:
            assert b"0" == (await take(dead)).message.body
        assert 1 == lines(caplog, f"nothing is taken from the queue {queue} until copies can be kept: {BLOCKED}")
        assert 1 == lines(caplog, f"copies can be kept again for the queue {queue}")

    async def test_other_queues_are_not_taken_from_either(self, node: Node, broker: RabbitBroker, queue: str):
        other = f"{queue}-other"
        async with subscribed(broker, queue) as (_, deliveries), subscribed(broker, other) as (idle, _):
            await broker.publish(queue, message())
            delivery = await take(deliveries)
            async with memory_alarm(node):
                settling = asyncio.ensure_future(delivery.settle(Rejected(delivery.message, FAILURE)))
                await until(lambda: idle.trouble == BLOCKED)
            await until(lambda: idle.trouble is None)
            await settling

    async def test_a_copy_that_waits_for_its_end_is_published_once(self, node: Node, queue: str, management):
        """The time for a confirmation is over long before: what is in the socket would be taken in a second time."""
        async with connected(settings(node, confirm_timeout=timedelta(milliseconds=300))) as broker:
            async with subscribed(broker, queue) as (subscription, deliveries):
                await broker.publish(queue, message())
                delivery = await take(deliveries)
                async with memory_alarm(node):
                    settling = asyncio.ensure_future(delivery.settle(Rejected(delivery.message, FAILURE)))
                    await until(lambda: subscription.trouble == BLOCKED)
                    await asyncio.wait({settling}, timeout=1)
                await settling
            async with operator(node) as channel:
                found = await channel.declare_queue(dead_queue(queue), passive=True)

        assert 1 == found.declaration_result.message_count

    async def test_a_broker_that_does_not_confirm_in_time_is_an_error(self, node: Node, queue: str):
        async with connected(settings(node, confirm_timeout=timedelta(milliseconds=200))) as broker:
            await broker.declare(queue)
            async with memory_alarm(node):
                with pytest.raises(BrokerError, match=r"the broker does not confirm within 0\.2 s"):
                    await broker.publish(queue, message())


async def no_consumers(node: Node, queue: str) -> bool:
    return not await consumers(node, queue)


class TestNoCopy:
    """A copy that the broker says no to."""

    async def test_a_full_queue_of_copies_is_waited_for(
        self, node: Node, broker: RabbitBroker, queue: str, management: Management, caplog
    ):
        async with subscribed(broker, queue) as (subscription, deliveries):
            await broker.publish(queue, message())
            first = await take(deliveries)
            async with full(node, broker, management, queue):
                settling = asyncio.ensure_future(first.settle(Rejected(first.message, FAILURE)))
                await until(lambda: subscription.trouble is not None)
                await until(lambda: no_consumers(node, queue))

                assert subscription.trouble == (
                    f"the queue {dead_queue(queue)} takes nothing more (the broker said no to a message)"
                )
                assert not settling.done()
            async with asyncio.timeout(WITHIN):
                await settling
            await until(lambda: consumers(node, queue))
            await until(lambda: subscription.trouble is None)
        assert 1 == lines(caplog, f"nothing is taken from the queue {queue} until copies can be kept")

    async def test_a_delivery_whose_copy_is_not_kept_for_long_is_given_back(
        self, node: Node, broker: RabbitBroker, queue: str, management: Management, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(keeper, "HOLD_LIMIT", 0.5)
        async with subscribed(broker, queue) as (_, deliveries):
            await broker.publish(queue, message(b"1"))
            first = await take(deliveries)
            async with full(node, broker, management, queue):
                with pytest.raises(DeliveryLost, match=r"could not be kept for 0\.5 s; the message was given back"):
                    await first.settle(Rejected(first.message, FAILURE))
            again = await take(deliveries)

        assert (b"1", True) == (again.message.body, again.message.redelivered)

    async def test_a_queue_that_is_missing_and_may_not_be_made_is_told(
        self, node: Node, management: Management, virtual_host: str
    ):
        user, everything = f"user-{virtual_host}", {"configure": ".*", "write": ".*", "read": ".*"}
        await management.add_user(user, virtual_host, **everything)
        mine = settings(node, f"amqp://{user}:{user}@127.0.0.1:{node.amqp_port}/{virtual_host}")
        async with connected(mine) as broker, subscribed(broker, "email") as (subscription, deliveries):
            await broker.publish("email", message(b"1"))
            first = await take(deliveries)
            await management.add_user(user, virtual_host, **{**everything, "configure": "^nothing$"})
            async with operator(node, virtual_host) as channel:
                await channel.queue_delete(retry_queue("email", SHORT))
            settling = asyncio.ensure_future(first.settle(Deferred(first.message, SHORT, FAILURE)))
            await until(lambda: "email.retry.200ms may not be made" in (subscription.trouble or ""))
            await management.add_user(user, virtual_host, **everything)
            await settling

            assert b"1" == (await take(deliveries)).message.body

    async def test_a_released_delivery_needs_no_copy(self, broker: RabbitBroker, queue: str):
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message())
            await (await take(deliveries)).settle(Released())

            assert (await take(deliveries)).message.redelivered

    async def test_a_no_does_not_stick_while_others_are_published(
        self, broker: RabbitBroker, queue: str, management: Management
    ):
        """RabbitMQ 3.10 says no for ever on the AMQP channel where it said so once, when only the limit goes."""
        dead, other = dead_queue(queue), f"{queue}-other"
        await broker.declare(queue)
        await broker.declare(other)
        session = await broker.session()
        await limit(broker, management, dead)
        is_over = asyncio.Event()

        async def keep_publishing() -> None:
            while not is_over.is_set():
                await broker.publish(other, message())

        async with asyncio.TaskGroup() as load:
            for _ in range(4):
                load.create_task(keep_publishing())
            with pytest.raises(BrokerError, match="takes nothing more"):
                await broker.publish(dead, message())
            await management.call("DELETE", f"policies/%2F/{dead}")
            await until(lambda: is_taken(broker, dead))
            is_over.set()
        await until(lambda: 1 == amqp_channels(session.outlet._connection))


async def is_taken(broker: RabbitBroker, queue: str) -> bool:
    """Publish to a queue; tell whether it took that."""
    try:
        await broker.publish(queue, message())
    except BrokerError:
        return False
    return True
