"""The parts of a message are kept all, or given up together."""

import asyncio

import pytest

from dispatcher.brokers.rabbitmq import RabbitBroker, keeper
from dispatcher.brokers.rabbitmq.outlet import Outlet
from dispatcher.brokers.topology import dead_queue
from dispatcher.words.errors import DeliveryLost
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Split
from tests.brokers.contract import WITHIN, message, take, taking


async def test_the_limit_is_for_the_whole_of_it(broker: RabbitBroker, queue: str, monkeypatch):
    """Each hundred takes half of it."""
    monkeypatch.setattr(keeper, "HOLD_LIMIT", 1.0)
    began = []

    async def publish_slowly(outlet: Outlet, name: str, one: Message, *, patient: bool = False) -> None:
        began.append(one.body)
        await asyncio.sleep(0.6)

    async with taking(broker, queue, prefetch=1) as deliveries:
        await broker.publish(queue, message(b"whole"))
        whole = await take(deliveries)
        monkeypatch.setattr(Outlet, "publish", publish_slowly)
        with pytest.raises(DeliveryLost, match=r"the 300 parts of a message could not be kept for 1 s"):
            await whole.settle(Split(tuple(message() for _ in range(300))))
        monkeypatch.undo()
        again = await take(deliveries)

    assert (200, b"whole", True) == (len(began), again.message.body, again.message.redelivered)


async def test_with_one_part_that_fails_the_others_are_given_up(
    broker: RabbitBroker, queue: str, monkeypatch: pytest.MonkeyPatch
):
    publish, ended = Outlet.publish, []

    async def publish_badly(outlet: Outlet, name: str, one: Message, *, patient: bool = False) -> None:
        if one.body == b"bad":
            raise ZeroDivisionError
        if one.body != b"good":
            return await publish(outlet, name, one, patient=patient)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(one.body)

    monkeypatch.setattr(Outlet, "publish", publish_badly)
    async with taking(broker, queue, prefetch=1) as deliveries:
        await broker.publish(queue, message(b"whole"))
        whole = await take(deliveries)
        async with asyncio.timeout(WITHIN):
            await whole.settle(Split((message(b"good"), message(b"bad"), message(b"good"))))
        async with taking(broker, dead_queue(queue)) as dead:
            kept = (await take(dead)).message

    assert [b"good", b"good"] == ended
    assert (b"whole", "a bug while it was settled: ZeroDivisionError") == (
        kept.body,
        kept.headers["dispatcher-error"],
    )
