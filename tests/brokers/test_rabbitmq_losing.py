"""Losing the connection at good and bad moments, and coming back."""

import asyncio
from datetime import timedelta
from pathlib import Path

import aio_pika
import pytest

from dispatcher.brokers.rabbitmq import RabbitBroker
from dispatcher.words.errors import BrokerError, DeliveryLost
from dispatcher.words.outcomes import Accepted, Deferred
from helpers.node import Node
from tests.brokers.contract import FAILURE, LADDER, SHORT, WITHIN, message, take, taking
from tests.brokers.rabbit import connected, operator, settings, through
from tests.management import memory_alarm
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


class TestClosing:
    """The end comes in time, whatever the broker does."""

    async def closed(self, broker: RabbitBroker) -> None:
        async with asyncio.timeout(15):
            await broker.close()

    async def test_while_it_is_away(self, node: Node, proxy: Proxy, queue: str):
        async with connected(settings(node, through(proxy))) as broker:
            subscription = await broker.subscribe(queue, prefetch=1)
            await proxy.away()
            await until(lambda: "Connection refused" in (subscription.trouble or ""))
            await self.closed(broker)

    async def test_while_it_takes_in_nothing(self, node: Node, broker: RabbitBroker, queue: str):
        subscription = await broker.subscribe(queue, prefetch=1)
        await broker.publish(queue, message())
        delivery = await take(aiter(subscription))
        async with memory_alarm(node):
            settling = asyncio.ensure_future(delivery.settle(Deferred(delivery.message, SHORT, FAILURE)))
            await until(lambda: subscription.trouble is not None)
            await self.closed(broker)
            with pytest.raises(DeliveryLost):
                await settling

    async def test_while_the_line_is_dead(self, node: Node, proxy: Proxy, queue: str):
        async with connected(settings(node, through(proxy))) as broker:
            subscription = await broker.subscribe(queue, prefetch=3)
            for _ in range(3):
                await broker.publish(queue, message())
            in_hand = await take(aiter(subscription))
            proxy.vanish()
            settling = asyncio.ensure_future(in_hand.settle(Deferred(in_hand.message, SHORT, FAILURE)))
            await self.closed(broker)
            with pytest.raises(DeliveryLost):
                await settling


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
