"""Losing the connection at good and bad moments, and coming back."""

import asyncio
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import aio_pika
import pytest

from dispatcher.brokers.rabbitmq import RabbitBroker
from dispatcher.brokers.topology import retry_queue
from dispatcher.words.errors import BrokerError, DeliveryLost
from dispatcher.words.outcomes import Accepted, Deferred
from helpers.node import Node
from tests.brokers.contract import FAILURE, LADDER, SHORT, WITHIN, message, take, taking
from tests.brokers.rabbit import connected, operator, settings, through
from tests.management import Management, memory_alarm
from tests.proxy import Proxy
from tests.waiting import until


class TestLosingTheConnection:
    """Cut, and coming back."""

    async def test_what_was_in_hand_is_stale_and_comes_again(self, node: Node, proxy: Proxy, queue: str):
        async with connected(settings(node, through(proxy))) as broker, taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"1"))
            delivery = await take(deliveries)
            proxy.cut()
            await until(lambda: delivery.stale)
            with pytest.raises(DeliveryLost):
                await delivery.settle(Accepted())
            again = await take(deliveries)
            await again.settle(Accepted())

        assert (b"1", True) == (again.message.body, again.message.redelivered)

    async def test_what_nobody_took_out_is_not_handed_out_twice(self, node: Node, proxy: Proxy, queue: str):
        async with connected(settings(node, through(proxy))) as broker, taking(broker, queue) as deliveries:
            for number in range(5):
                await broker.publish(queue, message(b"%d" % number))
            first = await take(deliveries)
            proxy.cut()
            await until(lambda: first.stale)
            bodies = []
            for _ in range(5):
                delivery = await take(deliveries)
                bodies.append(delivery.message.body)
                await delivery.settle(Accepted())

        assert sorted(bodies) == [b"%d" % number for number in range(5)]

    async def test_publishing_waits_for_the_connection_to_come_back(self, node: Node, proxy: Proxy, queue: str):
        async with connected(settings(node, through(proxy))) as broker:
            await broker.declare(queue)
            await proxy.away()
            publishing = asyncio.ensure_future(broker.publish(queue, message()))
            await proxy.open()
            # In the moment of the loss it may be told of it; it must not be lost without a word.
            try:
                async with asyncio.timeout(WITHIN):
                    await publishing
            except BrokerError:
                await broker.publish(queue, message())
            async with taking(broker, queue) as deliveries:
                await (await take(deliveries)).settle(Accepted())

    async def test_the_loss_in_the_middle_of_publishing_is_an_error_and_no_cancellation(
        self, node: Node, proxy: Proxy, queue: str
    ):
        async with connected(settings(node, through(proxy))) as broker:
            await broker.declare(queue)
            async with memory_alarm(node):  # it confirms nothing now
                publishing = asyncio.ensure_future(broker.publish(queue, message()))
                await asyncio.wait({publishing}, timeout=0.3)
                proxy.cut()
                with pytest.raises(BrokerError, match="the connection was lost while publishing"):
                    await publishing

    async def test_waiting_messages_survive_a_killed_and_a_stopped_node(self, tmp_path: Path):
        ladder_rung = timedelta(seconds=2)
        node = Node(tmp_path / "own", management=False)
        node.start()
        try:
            broker = RabbitBroker(settings(node), type(LADDER)([ladder_rung]))
            await broker.start()
            async with taking(broker, "email", prefetch=100) as deliveries:
                for number in range(50):
                    await broker.publish("email", message(b"%d" % number))
                for _ in range(50):
                    delivery = await take(deliveries)
                    await delivery.settle(Deferred(delivery.message, ladder_rung, FAILURE))
                await asyncio.to_thread(node.kill)
                await asyncio.to_thread(node.start)
                bodies = set()
                while len(bodies) < 50:
                    delivery = await take(deliveries)
                    bodies.add(delivery.message.body)
                    if not delivery.stale:
                        await delivery.settle(Deferred(delivery.message, ladder_rung, FAILURE))
                await asyncio.to_thread(node.stop)
                await asyncio.sleep(ladder_rung.total_seconds())  # longer than the delay, while it is down
                await asyncio.to_thread(node.start)
                again = set()
                while len(again) < 50:
                    delivery = await take(deliveries)
                    again.add(delivery.message.body)
                    await delivery.settle(Accepted())
            await broker.close()
        finally:
            node.remove()

        assert bodies == again == {b"%d" % number for number in range(50)}


class TestAtABadMoment:
    """Cut while queues are declared and consumers begin: the deliveries always come back."""

    @pytest.mark.parametrize("delay", [number * 8 for number in range(6)])
    async def test_cut_while_a_spell_begins(self, node: Node, proxy: Proxy, queue: str, delay: int):
        async with connected(settings(node, through(proxy))) as broker, taking(broker, queue) as deliveries:
            proxy.cut()
            await until(lambda: proxy.open_connections >= 4)
            await asyncio.sleep(delay / 1000)  # the moment is the point
            proxy.cut()
            async with operator(node) as channel:
                await channel.default_exchange.publish(aio_pika.Message(b"after"), routing_key=queue)

            assert b"after" == (await take(deliveries)).message.body

    @pytest.mark.parametrize("delay", [number * 6 for number in range(5)])
    async def test_stopped_while_a_spell_begins(self, node: Node, proxy: Proxy, queue: str, delay: int):
        async with connected(settings(node, through(proxy))) as broker:
            subscription = await broker.subscribe(queue, prefetch=1)
            proxy.cut()
            await until(lambda: proxy.open_connections >= 4)
            await asyncio.sleep(delay / 1000)  # the moment is the point
            async with asyncio.timeout(5):
                await subscription.stop()


class TestARefusalLater:
    """What is refused only after a reconnection does not end the daemon."""

    async def test_it_is_said_and_tried_on(self, node: Node, proxy: Proxy, queue: str, caplog):
        name = retry_queue(queue, SHORT)
        async with connected(settings(node, through(proxy))) as broker, taking(broker, queue) as deliveries:
            async with operator(node) as channel:
                await channel.queue_delete(name)
                await channel.declare_queue(name, durable=True)
            proxy.cut()
            await until(lambda: f"the queue {name} exists and differs" in caplog.text)
            async with operator(node) as channel:
                await channel.queue_delete(name)
            await broker.publish(queue, message(b"after"))

            assert b"after" == (await take(deliveries)).message.body


class TestARefusedLoginLater:
    """A changed password, a virtual host that went: somebody will put it right."""

    async def test_a_changed_password_is_said_once_and_tried_on(
        self, node: Node, management: Management, virtual_host: str, caplog
    ):
        user = f"user-{virtual_host}"
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        await management.add_user(user, virtual_host, **everything)
        mine = settings(node, f"amqp://{user}:{user}@127.0.0.1:{node.amqp_port}/{virtual_host}")
        async with connected(mine) as broker:
            subscription = await broker.subscribe("email", prefetch=1)
            await management.call("PUT", f"users/{user}", {"password": "changed", "tags": ""})
            await close_connections_of(management, user)
            await until(lambda: f"refuses the login of user '{user}'" in (subscription.trouble or ""))
            await until(lambda: "refuses the login" in caplog.text)
            await management.add_user(user, virtual_host, **everything)
            await until(lambda: subscription.trouble is None)

            said = [record.message for record in caplog.records if "refuses the login" in record.message]
            assert 1 == len(said)
            assert said[0].endswith("check brokers.rabbitmq.url; trying on until it can")

    async def test_a_virtual_host_that_went_is_waited_for(self, node: Node, management: Management, virtual_host: str):
        async with connected(settings(node, node.url + virtual_host)) as broker:
            subscription = await broker.subscribe("email", prefetch=1)
            deliveries = aiter(subscription)
            await management.remove_virtual_host(virtual_host)
            await until(lambda: f"the virtual host '{virtual_host}' is missing" in (subscription.trouble or ""))
            await management.add_virtual_host(virtual_host)
            await broker.publish("email", message(b"after"))

            assert b"after" == (await take(deliveries)).message.body
            await until(lambda: subscription.trouble is None)


async def close_connections_of(management: Management, user: str) -> None:
    """Close a user's connections, which the management page may know of a few seconds late."""

    async def closed() -> bool:
        mine = [one["name"] for one in await management.connections() if one.get("user") == user]
        for name in mine:
            await management.call("DELETE", f"connections/{quote(name)}")
        return len(mine) >= 2

    await until(closed)
