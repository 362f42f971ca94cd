"""A delivery is settled once, to its end, or not at all."""

import asyncio

import aio_pika
import pytest

from dispatcher.brokers.rabbitmq import RabbitBroker
from dispatcher.brokers.rabbitmq.delivery import RabbitDelivery
from dispatcher.brokers.rabbitmq.subscription import RabbitSubscription
from dispatcher.brokers.topology import dead_queue
from dispatcher.words.errors import BrokerError, DeliveryLost
from dispatcher.words.outcomes import Accepted, Rejected, Released
from helpers.node import Node
from tests.brokers.contract import FAILURE, LADDER, message, take, taking
from tests.brokers.rabbit import connected, consumers, operator, settings
from tests.management import memory_alarm
from tests.waiting import until


async def waiting(node: Node, queue: str) -> int:
    async with operator(node) as channel:
        return (await channel.declare_queue(queue, passive=True)).declaration_result.message_count or 0


async def close_amqp_channel(delivery: RabbitDelivery) -> None:
    """Let the broker close the AMQP channel of a delivery, as it does when nobody acks for half an hour."""
    await delivery._spell.answer(999_999, ack=True)
    await until(lambda: delivery.stale)


class TestOnce:
    """One settle for each delivery, whoever gives up waiting."""

    async def test_it_goes_on_when_the_caller_is_cancelled(self, node: Node, broker: RabbitBroker, queue: str):
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"1"))
            delivery = await take(deliveries)
            async with memory_alarm(node):
                settling = asyncio.ensure_future(delivery.settle(Rejected(delivery.message, FAILURE)))
                await asyncio.wait({settling}, timeout=0.3)
                settling.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await settling
            await delivery.settle(Released())  # which only hears how the first time ended

        assert (0, 1) == (await waiting(node, queue), await waiting(node, dead_queue(queue)))

    async def test_settled_twice_is_acked_once(self, broker: RabbitBroker, queue: str):
        async with taking(broker, queue) as deliveries:
            for _ in range(2):
                await broker.publish(queue, message())
            first, second = await take(deliveries), await take(deliveries)
            await asyncio.gather(first.settle(Accepted()), first.settle(Accepted()))
            await first.settle(Accepted())

            assert not second.stale
            await second.settle(Accepted())

    async def test_an_amqp_channel_that_went_makes_stale_what_came_on_it(self, broker: RabbitBroker, queue: str):
        async with taking(broker, queue) as deliveries:
            for number in range(3):
                await broker.publish(queue, message(b"%d" % number))
            first = await take(deliveries)
            await close_amqp_channel(first)
            with pytest.raises(DeliveryLost):
                await first.settle(Accepted())
            bodies = []
            for _ in range(3):
                again = await take(deliveries)
                assert not again.stale
                bodies.append(again.message.body)
                await again.settle(Accepted())

        assert [b"0", b"1", b"2"] == sorted(bodies)

    async def test_no_copy_is_published_for_what_went_meanwhile(self, node: Node, broker: RabbitBroker, queue: str):
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"1"))
            delivery = await take(deliveries)
            session = await broker.session()
            async with memory_alarm(node):
                blocker = asyncio.ensure_future(broker.publish(f"{queue}-other", message()))
                await until(lambda: session.outlet.blocked)
                settling = asyncio.ensure_future(delivery.settle(Rejected(delivery.message, FAILURE)))
                await close_amqp_channel(delivery)
            with pytest.raises(DeliveryLost):
                await settling
            await blocker
            again = await take(deliveries)
            await again.settle(Accepted())

        assert 0 == await waiting(node, dead_queue(queue))


async def test_giving_back_late_leaves_alone_what_came_since(broker: RabbitBroker, queue: str):
    subscription = await broker.subscribe(queue, prefetch=3)
    assert isinstance(subscription, RabbitSubscription)
    old = subscription._spell
    assert old is not None
    await subscription.pause()
    await subscription.resume()
    await until(lambda: subscription._spell is not old)
    for number in range(3):
        await broker.publish(queue, message(b"%d" % number))
    await until(lambda: subscription._spell is not None and subscription._spell.taken == 3)
    await subscription._give_back(old)
    deliveries = aiter(subscription)
    came = [await take(deliveries) for _ in range(3)]
    await subscription.stop()

    assert [(b"%d" % number, False) for number in range(3)] == [
        (one.message.body, one.message.redelivered) for one in came
    ]


class TestCancellations:
    """One that is not ours is a loss; one that is, is obeyed."""

    async def test_one_of_the_library_while_connecting_is_tried_again(self, node: Node, monkeypatch, caplog):
        connect = aio_pika.connect
        cancellations = [asyncio.CancelledError()]

        async def connect_at_last(*arguments: object, **named: object) -> aio_pika.abc.AbstractConnection:
            if cancellations:
                raise cancellations.pop()
            return await connect(*arguments, **named)

        monkeypatch.setattr(aio_pika, "connect", connect_at_last)
        async with connected(settings(node)):
            pass

        assert "went while it was made; trying on until it can" in caplog.text

    async def test_ours_ends_a_publishing_that_waits(self, node: Node, broker: RabbitBroker, queue: str):
        await broker.declare(queue)
        async with memory_alarm(node):
            publishing = asyncio.ensure_future(broker.publish(queue, message()))
            await asyncio.wait({publishing}, timeout=0.3)
            publishing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await publishing

    async def test_who_subscribes_while_it_is_closed_is_told(self, node: Node, queue: str):
        broker = RabbitBroker(settings(node), LADDER)
        subscribing = asyncio.ensure_future(broker.subscribe(queue, prefetch=1))  # it was never started
        await asyncio.sleep(0)
        await broker.close()
        with pytest.raises(BrokerError, match="was never taken from"):
            await subscribing


async def test_a_cancelled_consumer_comes_back_under_another_tag(node: Node, broker: RabbitBroker, queue: str):
    """A broker may keep the old one for a while."""
    session = await broker.session()

    def tags() -> set[str]:
        channels = session.consuming.transport.connection.channels.values()
        return {tag for channel in channels if channel is not None for tag in channel.consumers}

    async with taking(broker, queue), operator(node) as channel:
        first = tags()
        await channel.queue_delete(queue)
        await until(lambda: consumers(node, queue))

        assert 1 == len(first) == len(tags() - first)


async def test_25_restarts_lose_nothing_of_a_quorum_queue(node: Node, queue: str):
    """RabbitMQ 4 drops what was handed out 20 times, prefetched or not, where no limit is set."""
    async with connected(settings(node, queue_type="quorum")) as broker:
        await broker.declare(queue)
        for number in range(5):
            await broker.publish(queue, message(b"%d" % number))
        for _ in range(25):
            async with connected(settings(node, queue_type="quorum")) as restarted:
                subscription = await restarted.subscribe(queue, prefetch=5)
                await take(aiter(subscription))
        async with taking(broker, queue, prefetch=5) as deliveries:
            bodies = {(await take(deliveries)).message.body for _ in range(5)}

    assert {b"%d" % number for number in range(5)} == bodies


async def test_a_quorum_queue_tells_how_often_a_message_was_given_back(node: Node, queue: str):
    async with (
        connected(settings(node, queue_type="quorum")) as broker,
        taking(broker, queue, prefetch=1) as deliveries,
    ):
        await broker.publish(queue, message())
        told = []
        for _ in range(3):
            delivery = await take(deliveries)
            told.append(delivery.message.returned)
            await delivery.settle(Released())
        last = await take(deliveries)
        copy = last.message.with_headers({})
        await last.settle(Accepted())

    # From 4.3 on, what is given back by nack is not counted, and so is not dropped either.
    counted = ([0, 0, 0], 0, 0) if node.version >= (4, 3) else ([0, 1, 2], 3, 0)
    assert counted == (told, last.message.returned, copy.returned)


@pytest.mark.parametrize("odd", [-1, True, "7", None])
async def test_a_count_that_makes_no_sense_is_none(node: Node, broker: RabbitBroker, queue: str, odd: object):
    async with taking(broker, queue) as deliveries, operator(node) as channel:
        delivered = aio_pika.Message(b"1", headers={"x-delivery-count": odd})
        await channel.default_exchange.publish(delivered, routing_key=queue)
        delivery = await take(deliveries)
        await delivery.settle(Accepted())

    assert 0 == delivery.message.returned
