"""RabbitMQ keeps what every broker promises; its queues, and the rights to them."""

import aio_pika
import pytest

from dispatcher.brokers.rabbitmq import RabbitBroker, RabbitSettings
from dispatcher.brokers.topology import dead_queue, retry_queue
from dispatcher.words.errors import BrokerRefused
from dispatcher.words.outcomes import Deferred, Rejected
from helpers.node import Node
from tests.brokers.contract import FAILURE, LONG, SHORT, BrokerContract, message, take, taking
from tests.brokers.rabbit import connected, consumers, operator, settings
from tests.management import Management
from tests.waiting import until


class TestRabbitBroker(BrokerContract):
    """The contract."""


class TestQueues:
    """What exists, what is missing, what differs."""

    async def test_a_queue_that_is_deleted_is_made_again_and_taken_from(self, node: Node, broker: RabbitBroker, queue):
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            await channel.queue_delete(queue)
            await until(lambda: consumers(node, queue))
            await broker.publish(queue, message(b"after"))

            assert b"after" == (await take(deliveries)).message.body

    async def test_an_amqp_channel_whose_queue_went_is_not_left_behind(
        self, node: Node, broker: RabbitBroker, queue: str
    ):
        async with taking(broker, queue), operator(node) as channel:
            for _ in range(3):
                await channel.queue_delete(queue)
                await until(lambda: consumers(node, queue))
            session = await broker.session()
            await until(
                lambda: sum(one is not None for one in session.consuming.transport.connection.channels.values()) <= 2
            )

    async def test_what_is_in_hand_of_a_deleted_queue_can_still_be_settled(self, node: Node, broker, queue: str):
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            await broker.publish(queue, message(b"in hand"))
            delivery = await take(deliveries)
            await channel.queue_delete(queue)
            await until(lambda: consumers(node, queue))
            await delivery.settle(Deferred(delivery.message, SHORT, FAILURE))

            assert b"in hand" == (await take(deliveries)).message.body

    @pytest.mark.parametrize("which", ["retry", "dead"])
    async def test_a_queue_for_copies_that_went_missing_is_made_again(
        self, node: Node, broker: RabbitBroker, queue: str, which: str
    ):
        name = retry_queue(queue, SHORT) if which == "retry" else dead_queue(queue)
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            await broker.publish(queue, message(b"1"))
            delivery = await take(deliveries)
            await channel.queue_delete(name)
            copy = delivery.message
            await delivery.settle(Deferred(copy, SHORT, FAILURE) if which == "retry" else Rejected(copy, FAILURE))
            kept = await channel.declare_queue(name, passive=True)

            assert 1 == kept.declaration_result.message_count or b"1" == (await take(deliveries)).message.body

    async def test_a_queue_that_differs_is_used_as_it_is_and_said_once(self, node: Node, broker, queue: str, caplog):
        async with operator(node) as channel:
            await channel.declare_queue(queue, durable=True, arguments={"x-max-length": 10})
        await broker.declare(queue)
        await broker.declare(queue)
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"1"))
            await take(deliveries)

        said = [record.message for record in caplog.records if "exists and differs" in record.message]
        assert 1 == len(said)
        assert f"the queue {queue} exists and differs: inequivalent arg 'x-max-length'" in said[0]
        assert said[0].endswith("it is used as it is")

    async def test_a_queue_that_differs_is_an_error_where_that_is_wanted(self, node: Node, queue: str):
        async with operator(node) as channel:
            await channel.declare_queue(queue, durable=True, arguments={"x-max-length": 10})
        async with connected(settings(node, strict=True)) as broker:
            with pytest.raises(BrokerRefused, match=r"x-max-length.*remove it by hand and start again"):
                await broker.declare(queue)

    async def test_a_delay_queue_that_would_lose_messages_is_always_an_error(self, node: Node, broker, queue: str):
        async with operator(node) as channel:
            await channel.declare_queue(retry_queue(queue, LONG), durable=True)
        with pytest.raises(BrokerRefused, match=r"retry.800ms exists and differs from what keeps messages safe"):
            await broker.subscribe(queue, prefetch=1)

    async def test_a_quorum_queue_can_be_asked_for(self, node: Node, management: Management, queue: str):
        async with connected(settings(node, queue_type="quorum")) as broker:
            await broker.declare(queue)
            found = await management.call("GET", f"queues/%2F/{queue}")
            delay = await management.call("GET", f"queues/%2F/{retry_queue(queue, SHORT)}")

        assert {
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead_queue(queue),
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            "x-delivery-limit": 100,
        } == found["arguments"]
        assert {
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": queue,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            "x-message-ttl": 200,
        } == delay["arguments"]

    async def test_a_work_queue_carries_no_arguments_and_may_be_declared_by_anybody(self, node: Node, broker, queue):
        await broker.declare(queue)
        async with operator(node) as channel:
            declared = await channel.declare_queue(queue, durable=True)

        assert queue == declared.name

    async def test_publishers_may_use_the_exchange(self, node: Node, broker: RabbitBroker, queue: str):
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            exchange = await channel.get_exchange("dispatcher")
            await exchange.publish(aio_pika.Message(b"through the exchange"), routing_key=queue)

            assert b"through the exchange" == (await take(deliveries)).message.body

    async def test_publishing_to_a_queue_that_is_missing_makes_it(self, broker: RabbitBroker, queue: str):
        await broker.publish(queue, message(b"1"))
        async with taking(broker, queue) as deliveries:
            assert b"1" == (await take(deliveries)).message.body


class TestRights:
    """A user who may not do everything is told what is missing."""

    async def as_user(self, node: Node, management: Management, host: str, **rights: str) -> RabbitSettings:
        user = f"user-{host}"
        await management.add_user(user, host, **{"configure": ".*", "write": ".*", "read": ".*", **rights})
        return settings(node, f"amqp://{user}:{user}@127.0.0.1:{node.amqp_port}/{host}")

    async def test_a_queue_it_may_not_declare_is_used_as_it_is(self, node: Node, management, virtual_host: str, caplog):
        async with operator(node, virtual_host) as channel:
            await channel.declare_queue("email", durable=True)
        wanted = await self.as_user(node, management, virtual_host, configure=r"email\..*")
        async with connected(wanted) as broker, taking(broker, "email") as deliveries:
            await broker.publish("email", message(b"1"))

            assert b"1" == (await take(deliveries)).message.body
        assert "the queue email may not be declared" in caplog.text
        assert "publishers cannot use the exchange dispatcher for email" in caplog.text

    async def test_a_queue_that_belongs_to_somebody_alone_is_said(self, node: Node, broker: RabbitBroker, queue: str):
        async with operator(node) as channel:
            await channel.declare_queue(queue, exclusive=True)
            with pytest.raises(BrokerRefused, match=f"the queue {queue} belongs to another connection alone"):
                await broker.declare(queue)

    async def test_a_missing_queue_it_may_not_make_is_said(self, node: Node, management, virtual_host: str):
        wanted = await self.as_user(node, management, virtual_host, configure=r"email\..*")
        async with connected(wanted) as broker:
            with pytest.raises(BrokerRefused, match="the queue email is missing and may not be made"):
                await broker.subscribe("email", prefetch=1)

    async def test_delay_queues_it_may_not_make_are_said(self, node: Node, management, virtual_host: str):
        wanted = await self.as_user(node, management, virtual_host, configure="^email$")
        async with connected(wanted) as broker:
            with pytest.raises(BrokerRefused, match=r"the queue email.retry.200ms may not be made.*the right to"):
                await broker.subscribe("email", prefetch=1)

    async def test_a_queue_it_may_not_read_is_said(self, node: Node, management, virtual_host: str):
        wanted = await self.as_user(node, management, virtual_host, read=r"email\..*|dispatcher")
        async with connected(wanted) as broker:
            with pytest.raises(BrokerRefused, match=r"the queue email may not be read.*the right to read"):
                await broker.subscribe("email", prefetch=1)
