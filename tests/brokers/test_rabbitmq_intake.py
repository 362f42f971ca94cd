"""Deliveries on their short way in, and on the library's own."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from pamqp.body import ContentBody
from pamqp.commands import Basic, Channel
from pamqp.header import ContentHeader

from dispatcher.brokers.rabbitmq import RabbitBroker, spell
from dispatcher.brokers.rabbitmq.intake import IN_A_ROW, Incoming, Intake
from dispatcher.words.outcomes import Accepted
from tests.brokers.contract import message, take, taking

FRAME_MAX = 131_072


async def through(broker: RabbitBroker, queue: str, *bodies: bytes) -> list[bytes]:
    """Have messages handed to us and settled; give their bodies."""
    async with taking(broker, queue) as deliveries:
        for body in bodies:
            await broker.publish(queue, message(body))
        came = []
        for _ in bodies:
            delivery = await take(deliveries)
            came.append(delivery.message.body)
            await delivery.settle(Accepted())
    return came


@pytest.mark.parametrize("short", [True, False])
async def test_bodies_of_any_size_come_whole(
    broker: RabbitBroker, queue: str, monkeypatch: pytest.MonkeyPatch, *, short: bool
):
    if not short:  # as with a library that has no place for the intake
        monkeypatch.setattr(spell, "install", lambda *_: False)
    bodies = [b"", b"1", bytes(FRAME_MAX - 8), bytes(range(256)) * 4096, b"", b"2"]

    assert bodies == await through(broker, queue, *bodies)
    assert [b"last"] == await through(broker, queue, b"last")


async def test_a_delivery_makes_no_task(broker: RabbitBroker, queue: str):
    """It does, where a new version of the library has gone other ways: then the intake has to look for its place."""
    for number in range(200):
        await broker.publish(queue, message(b"%d" % number))
    loop = asyncio.get_running_loop()
    made = 0

    def count(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **named: Any) -> asyncio.Task[Any]:
        nonlocal made
        made += 1
        return asyncio.Task(work, loop=loop, **named)

    subscription = await broker.subscribe(queue, prefetch=50)
    deliveries = aiter(subscription)
    loop.set_task_factory(count)
    try:
        for _ in range(200):
            await (await anext(deliveries)).settle(Accepted())
    finally:
        loop.set_task_factory(None)
        await subscription.stop()

    assert made < 20


class TestFrames:
    """What the library's reader puts in line."""

    def setup_method(self):
        self.line: asyncio.Queue[Any] = asyncio.Queue()
        self.came: list[Incoming] = []
        self.closed = 0
        self.intake = Intake(self.line, "ours", self.came.append, self._close)

    def _close(self) -> None:
        self.closed += 1

    async def put(self, *frames: Any) -> list[Any]:
        """Put frames in line; give what is left of them for the library."""
        for frame in frames:
            await self.intake.put((0, frame))
        return [(await self.intake.get())[1] for _ in range(self.line.qsize())]

    async def test_only_what_is_ours_is_taken_out(self):
        other = [Basic.Deliver("theirs", 1), ContentHeader(body_size=1), ContentBody(b"1")]

        assert other == await self.put(*other, Basic.Deliver("ours", 2), ContentHeader(body_size=1), ContentBody(b"2"))
        assert [(2, b"2")] == [(one.tag, one.body) for one in self.came]

    @pytest.mark.parametrize(
        "odd",
        [
            [ContentBody(b"1")],
            [ContentHeader(body_size=2), ContentHeader(body_size=2)],
            [ContentHeader(body_size=2), ContentBody(b"1"), Basic.Deliver("ours", 2)],
        ],
    )
    async def test_a_wrong_order_is_for_the_library_to_judge(self, odd: list[Any]):
        frames = [Basic.Deliver("ours", 1), *odd]

        assert frames == await self.put(*frames)
        assert [] == await self.put(Basic.Deliver("ours", 3), ContentHeader(body_size=1), ContentBody(b"3"))
        assert [3] == [one.tag for one in self.came]

    @pytest.mark.parametrize("before", [[], [Basic.Deliver("ours", 1)]])
    async def test_the_end_is_told_before_the_library_answers_it(self, before: list[Any]):
        end = Channel.Close(reply_code=406)

        assert [*before, end] == await self.put(*before, end)
        assert 1 == self.closed

    async def test_others_have_their_turn_meanwhile(self):
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(others())
        for tag in range(4 * IN_A_ROW):
            await self.put(Basic.Deliver("ours", tag), ContentHeader(body_size=0))
        other.cancel()

        assert 4 == turns
