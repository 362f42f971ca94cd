"""Paused, resumed, cut and stopped in any order, at any moment: nothing is lost and nothing hangs."""

import asyncio
import random
from datetime import timedelta

import pytest

from dispatcher.brokers.base import Delivery, Subscription
from dispatcher.brokers.rabbitmq import RabbitBroker
from dispatcher.words.errors import DeliveryLost
from dispatcher.words.outcomes import Accepted, Deferred, Released
from helpers.node import Node
from tests.brokers.contract import FAILURE, SHORT, WITHIN, message
from tests.brokers.rabbit import connected, operator, settings, through
from tests.proxy import Proxy
from tests.waiting import until

MESSAGES = 300
LONGEST_CALL = 5.0


class Taker:
    """Settles whatever comes: most at once, some go back, some later."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._in_hand: set[asyncio.Task[None]] = set()
        self.done: set[bytes] = set()

    async def run(self, subscription: Subscription) -> None:
        async for delivery in subscription:
            assert not delivery.stale
            task = asyncio.create_task(self._settle(delivery))
            self._in_hand.add(task)
            task.add_done_callback(self._in_hand.discard)
        await asyncio.gather(*self._in_hand)

    async def _settle(self, delivery: Delivery) -> None:
        await asyncio.sleep(self._dice.random() * 0.05)  # work
        outcome = self._dice.choices(
            [Accepted(), Released(), Deferred(delivery.message, SHORT, FAILURE)], weights=[8, 1, 1]
        )[0]
        try:
            await delivery.settle(outcome)
        except DeliveryLost:
            return
        if outcome == Accepted():
            self.done.add(delivery.message.body)


@pytest.mark.parametrize("seed", range(2))
async def test_every_message_is_settled(node: Node, proxy: Proxy, queue: str, seed: int):
    dice = random.Random(seed)
    taker = Taker(dice)

    async with connected(settings(node, through(proxy), watch=timedelta(milliseconds=300))) as broker:
        subscription = await broker.subscribe(queue, prefetch=20)
        taking = asyncio.create_task(taker.run(subscription))

        async def stop_and_begin_anew() -> None:
            nonlocal subscription, taking
            await subscription.stop()
            await taking
            subscription = await broker.subscribe(queue, prefetch=20)
            taking = asyncio.create_task(taker.run(subscription))

        acts = [("pause", ()), ("resume", ()), ("resume", (1,)), ("resume", (dice.randint(1, 30),))]

        async def disturb() -> None:
            for _ in range(12):
                together = dice.sample(acts, dice.randint(1, 3))
                async with asyncio.timeout(LONGEST_CALL):
                    await asyncio.gather(*(getattr(subscription, name)(*arguments) for name, arguments in together))
                if dice.random() < 0.3:
                    proxy.cut()
                if dice.random() < 0.2:
                    async with asyncio.timeout(WITHIN):
                        await stop_and_begin_anew()
                await asyncio.sleep(dice.random() * 0.2)  # any moment
            await subscription.resume()

        disturbing = asyncio.create_task(disturb())
        await publish(node, queue)
        await disturbing
        await until(lambda: len(taker.done) == MESSAGES, what="all settled")
        await until(lambda: is_empty(node, queue))
        await subscription.stop()
        await taking

    assert {b"%d" % number for number in range(MESSAGES)} == taker.done


async def publish(node: Node, queue: str) -> None:
    """Publish straight to the broker, a little at a time."""
    async with connected(settings(node)) as publisher:
        for number in range(MESSAGES):
            await publisher.publish(queue, message(b"%d" % number))
            await asyncio.sleep(0.003)  # so that they flow all the time


async def is_empty(node: Node, queue: str) -> bool:
    async with operator(node) as channel:
        found = await channel.declare_queue(queue, passive=True)
    return 0 == found.declaration_result.message_count


async def test_calls_that_overlap_all_return(broker: RabbitBroker, queue: str):
    for _ in range(5):
        subscription = await broker.subscribe(queue, prefetch=5)
        for number in range(5):
            await broker.publish(queue, message(b"%d" % number))
        async with asyncio.timeout(LONGEST_CALL):
            calls = (subscription.pause, subscription.resume, subscription.pause, subscription.stop, subscription.pause)
            await asyncio.gather(*(call() for call in calls))
        with pytest.raises(StopAsyncIteration):
            await anext(aiter(subscription))
