"""Acks wait for each other, and for nothing else."""

import asyncio
import random
from types import SimpleNamespace
from typing import Any

import pamqp.frame
import pytest

from dispatcher.brokers.rabbitmq import RabbitBroker, acks
from dispatcher.brokers.rabbitmq.acks import Acks
from dispatcher.words.errors import DeliveryLost
from dispatcher.words.outcomes import Accepted, Released
from helpers.node import Node
from tests import raw_amqp
from tests.brokers.contract import message, take, taking
from tests.brokers.rabbit import connected, settings, through
from tests.proxy import Proxy
from tests.waiting import until


class Said:
    """Acks before a line that nobody reads but us."""

    def __init__(self, *came: int, prefetch: int = 100, room: int = 10) -> None:
        self.line: asyncio.Queue[Any] = asyncio.Queue(room)
        self.stale = False
        self.count = 0
        wire: Any = SimpleNamespace(write_queue=self.line, number=7)
        self.acks = Acks(wire, wire, prefetch, lambda: self.stale, self._said, asyncio.create_task)
        for tag in came:
            self.acks.came(tag)

    def add(self, *tags: int) -> None:
        for tag in tags:
            self.acks.add(tag, at_once=False)

    def _said(self, count: int) -> None:
        self.count += count

    async def heard(self) -> list[tuple[int, bool]]:
        """Give the acks of the next write: tag, and whether all before it are meant, too."""
        async with asyncio.timeout(5):
            payload = (await self.line.get()).payload
        frames = []
        while payload:
            length, number, frame = pamqp.frame.unmarshal(payload)
            assert ("Basic.Ack", 7) == (frame.name, number)
            frames.append((frame.delivery_tag, frame.multiple))
            payload = payload[length:]
        return frames


class TestTogether:
    """The fewest acks that say it, and none that says more."""

    async def test_without_a_gap_it_is_one(self):
        said = Said(1, 2, 3, 4)
        said.add(3, 1, 4, 2)

        assert [(4, True)] == await said.heard()
        assert 4 == said.count

    async def test_what_is_not_answered_is_not_swept_away(self):
        said = Said(1, 2, 3, 4, 5)
        said.add(5, 1, 2, 4)

        assert [(2, True), (5, False), (4, False)] == await said.heard()

        said.add(3)

        assert [(3, True)] == await said.heard()

    async def test_what_was_answered_otherwise_is_no_gap_and_is_not_named(self):
        said = Said(1, 2, 3)
        said.acks.answered(1)
        said.acks.answered(3)
        said.add(2)

        assert [(2, True)] == await said.heard()

    async def test_a_part_of_the_prefetch_waits_at_most(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(acks, "SOON", 3600)
        said = Said(*range(1, 11), prefetch=2 * acks.SHARE)
        said.add(1)

        assert said.line.empty()

        said.add(2, 3)

        assert [(2, True)] == await said.heard()
        assert said.line.empty()

    async def test_with_a_small_prefetch_or_in_a_hurry_none_waits(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(acks, "SOON", 3600)
        small, hurried = Said(1, prefetch=1), Said(1)
        small.add(1)
        hurried.acks.add(1, at_once=True)

        assert [(1, True)] == await small.heard() == await hurried.heard()


class TestNoRoom:
    """A connection that takes nothing at the moment, or never again."""

    async def test_they_are_written_when_there_is_room(self):
        said = Said(*range(1, 5), room=1)
        said.acks.add(1, at_once=True)
        said.add(3)
        telling = asyncio.ensure_future(said.acks.all_said())

        assert 1 == said.count
        assert [(1, True)] == await said.heard()
        assert [(3, False)] == await said.heard()

        await telling
        said.add(2)

        assert [(2, True)] == await said.heard()
        assert 3 == said.count

    async def test_they_are_forgotten_when_the_connection_goes(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(acks, "LOOK", 0.05)
        said = Said(*range(1, 5), room=1)
        said.acks.add(1, at_once=True)
        said.add(2, 3)
        telling = asyncio.ensure_future(said.acks.all_said())
        await asyncio.sleep(0)
        said.stale = True
        async with asyncio.timeout(5):
            await telling

        assert 3 == said.count
        assert [(1, True)] == await said.heard()
        assert said.line.empty()


async def left(broker: RabbitBroker, queue: str) -> list[bytes]:
    """Give what is still in a queue, in its order; take it away."""
    await broker.publish(queue, message(b"last"))
    found = []
    async with taking(broker, queue) as deliveries:
        while not found or found[-1] != b"last":
            delivery = await take(deliveries)
            found.append(delivery.message.body)
            await delivery.settle(Accepted())
    return found[:-1]


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
async def test_in_any_order_nothing_is_acked_that_was_not_settled(node: Node, queue: str, queue_type: str):
    chance = random.Random(7)
    settled: list[bytes] = []
    async with connected(settings(node, queue_type=queue_type)) as broker:
        async with taking(broker, queue, prefetch=40) as deliveries:
            for number in range(300):
                await broker.publish(queue, message(b"%d" % number))
            unanswered = await take(deliveries)
            in_hand = []
            while len(settled) < 299:
                while len(in_hand) < 20 and len(in_hand) + len(settled) < 299:
                    in_hand.append(await take(deliveries))
                delivery = in_hand.pop(chance.randrange(len(in_hand)))
                if chance.random() < 0.1:
                    await delivery.settle(Released())
                else:
                    await delivery.settle(Accepted())
                    settled.append(delivery.message.body)
        assert not unanswered.stale
    async with connected(settings(node)) as broker:
        assert [b"0"] == await left(broker, queue)
    assert sorted(b"%d" % number for number in range(1, 300)) == sorted(settled)


async def test_who_stops_at_once_leaves_no_ack_behind(node: Node, broker: RabbitBroker, queue: str):
    for _ in range(10):
        async with connected(settings(node)) as passing:
            subscription = await passing.subscribe(queue, prefetch=100)
            deliveries = aiter(subscription)
            for number in range(3):
                await broker.publish(queue, message(b"%d" % number))
            first, second, third = [await take(deliveries) for _ in range(3)]
            await first.settle(Accepted())
            await third.settle(Accepted())
            await subscription.stop()
            await second.settle(Accepted())

    assert [] == await left(broker, queue)


async def test_who_pauses_at_once_gets_nothing_again(broker: RabbitBroker, queue: str):
    subscription = await broker.subscribe(queue, prefetch=100)
    deliveries = aiter(subscription)
    for number in range(20):
        await broker.publish(queue, message(b"%d" % number))
    came = []
    for _ in range(20):
        delivery = await take(deliveries)
        came.append(delivery.message.body)
        await delivery.settle(Accepted())
        await subscription.pause()
        await subscription.resume()
    await subscription.stop()

    assert [b"%d" % number for number in range(20)] == came
    assert [] == await left(broker, queue)


async def test_an_amqp_channel_that_is_closed_meanwhile_costs_no_connection(
    broker: RabbitBroker, queue: str, monkeypatch: pytest.MonkeyPatch
):
    """Who acks on one that is closed is thrown out."""
    monkeypatch.setattr(acks, "SOON", 0.5)
    session = await broker.session()
    async with taking(broker, queue, prefetch=100) as deliveries:
        for number in range(2):
            await broker.publish(queue, message(b"%d" % number))
        first, second = await take(deliveries), await take(deliveries)
        await first.settle(Accepted())
        await second._spell.answer(999_999, ack=True)
        await until(lambda: second.stale)
        with pytest.raises(DeliveryLost):
            await second.settle(Accepted())
        again = [await take(deliveries) for _ in range(2)]
        for delivery in again:
            await delivery.settle(Accepted())

    assert [(b"0", True), (b"1", True)] == [(one.message.body, one.message.redelivered) for one in again]
    assert session is await broker.session()


async def test_an_ack_that_waits_does_not_hold_up_who_closes_on_a_dead_line(
    node: Node, proxy: Proxy, queue: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(acks, "SOON", 3600)
    async with connected(settings(node, through(proxy))) as broker:
        subscription = await broker.subscribe(queue, prefetch=100)
        await broker.publish(queue, message())
        delivery = await take(aiter(subscription))
        proxy.vanish()
        await delivery.settle(Accepted())
        async with asyncio.timeout(15):
            await broker.close()


async def test_the_ack_of_a_message_without_id_does_not_wait(
    node: Node, broker: RabbitBroker, queue: str, monkeypatch: pytest.MonkeyPatch
):
    """The journal could not tell that it was sent."""
    monkeypatch.setattr(acks, "SOON", 3600)
    async with taking(broker, queue, prefetch=100) as deliveries:
        await broker.publish(queue, message(b"with"))
        await asyncio.to_thread(raw_amqp.publish, node.amqp_port, "/", queue, b"without", 0, b"")
        first, second = await take(deliveries), await take(deliveries)
        await first.settle(Accepted())

        assert 2 == first._spell.in_hand

        await second.settle(Accepted())

        assert 0 == first._spell.in_hand
