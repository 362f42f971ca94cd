"""The consumer: every delivery is settled once, whatever the handler does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.brokers.base import Delivery
from dispatcher.brokers.memory import MemoryBroker
from dispatcher.flow.circumstances import Circumstances
from dispatcher.flow.consumer import Consumer
from dispatcher.flow.outages import Outages
from dispatcher.flow.page import Page
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.messages import Message, milliseconds
from dispatcher.words.outcomes import Outcome, Settlement
from dispatcher.words.retries import Ladder
from tests.waiting import until

LADDER = Ladder([timedelta(milliseconds=50), timedelta(milliseconds=100)])


class Bench:
    """A consumer with a handler that does as its message says."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.broker = broker
        self.told: list[Settlement] = []
        self.hanging = 0
        self.time = datetime.now(UTC)
        self.consumer = Consumer(
            "email",
            self.handle,
            LADDER,
            [self.boom, self.told.append],
            Circumstances(Page(queue="email"), Outages("email"), lambda: self.time),
        )

    def boom(self, _: Settlement) -> None:
        raise RuntimeError("an observer with a bug")

    async def handle(self, message: Message) -> None:
        match message.body:
            case b"ok":
                message.notes["template"] = "noted"
            case b"fail":
                raise Failure(Kind.TRANSIENT, Reason.SMTP_TEMPORARY, "451 later")
            case b"bug":
                raise ZeroDivisionError
            case b"cancelled by a library":
                raise asyncio.CancelledError
            case b"hang":
                self.hanging += 1
                await asyncio.Event().wait()

    async def give(self, *bodies: bytes, **headers: object) -> None:
        for number, body in enumerate(bodies):
            await self.broker.publish("email", Message(body=body, id=f"m{number}", headers=headers))

    async def until_told(self, count: int) -> list[str]:
        await until(lambda: len(self.told) >= count)
        return [settlement.outcome for settlement in self.told]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    broker = MemoryBroker()
    bench = Bench(broker)
    subscription = await broker.subscribe("email", prefetch=10)
    running = asyncio.create_task(bench.consumer.run(subscription))
    yield bench
    await subscription.stop()
    await running
    await bench.consumer.drain(timedelta(0))
    await broker.close()


async def test_what_was_served_is_accepted_and_told_with_its_notes(bench: Bench):
    await bench.give(b"ok")
    await bench.until_told(1)

    (told,) = bench.told
    assert ("accepted", "email", "m0", "noted") == (
        told.outcome,
        told.queue,
        told.message.id,
        told.message.notes["template"],
    )
    assert told.seconds > 0
    assert told.failure is None


async def test_a_failure_is_tried_again_until_the_ladder_ends(bench: Bench):
    await bench.give(b"fail")

    assert ["deferred", "deferred", "rejected"] == await bench.until_told(3)
    assert [1, 2, 3] == [settlement.message.attempt for settlement in bench.told]
    assert "451 later" == bench.told[-1].failure.text


@pytest.mark.parametrize("body", [b"bug", b"cancelled by a library"])
async def test_a_bug_is_transient_and_the_next_message_is_served(bench: Bench, body: bytes, caplog):
    await bench.give(body, b"ok")

    assert {"deferred", "accepted"} == set(await bench.until_told(2))
    assert "a bug while message m0 was handled" in caplog.text
    deferred = next(one for one in bench.told if one.outcome == "deferred")
    assert "internal-error" == deferred.failure.reason


async def test_an_observer_with_a_bug_harms_nobody(bench: Bench, caplog):
    await bench.give(b"ok", b"ok")

    assert ["accepted", "accepted"] == await bench.until_told(2)
    assert "an observer with a bug" in caplog.text


@pytest.mark.parametrize("said", [1 << 62, 253_402_300_799_000, -1, "soon", True, None])
async def test_no_header_holds_a_message_for_ever(bench: Bench, said: object):
    await bench.give(b"ok", **{"dispatcher-not-before": said})

    assert ["accepted"] == await bench.until_told(1)


async def test_a_message_before_its_time_goes_back_without_a_try(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(LADDER, "delays", LADDER.rungs)  # the shortest of them would take seconds
    later = bench.time + timedelta(hours=1)
    await bench.give(
        b"ok",
        **{"dispatcher-not-before": milliseconds(later), "dispatcher-reason": "smtp-busy", "dispatcher-attempt": 1},
    )
    assert {"deferred"} == set(await bench.until_told(2))

    bench.time = later + timedelta(seconds=1)
    await until(lambda: any(settlement.outcome == "accepted" for settlement in bench.told))

    assert {2} == {settlement.message.attempt for settlement in bench.told}
    assert "smtp-busy" == bench.told[0].failure.reason


async def test_a_message_that_is_nearly_due_is_held_until_then(bench: Bench):
    await bench.give(b"ok", **{"dispatcher-not-before": milliseconds(bench.time + timedelta(milliseconds=300))})

    assert ["accepted"] == await bench.until_told(1)
    assert 0.29 <= bench.told[0].seconds < 2  # the header counts whole milliseconds


async def test_a_message_that_is_held_is_released_when_the_daemon_stops(bench: Bench):
    await bench.give(b"ok", **{"dispatcher-not-before": milliseconds(bench.time + timedelta(seconds=1.9))})
    await until(lambda: bool(bench.consumer._hands._trying))

    assert not await bench.consumer.drain(timedelta(0))
    assert ["released"] == [settlement.outcome for settlement in bench.told]


async def test_what_takes_too_long_to_drain_is_released(bench: Bench):
    await bench.give(b"hang", b"hang")
    await until(lambda: bench.hanging == 2)

    assert not await bench.consumer.drain(timedelta(milliseconds=20))
    assert ["released", "released"] == [settlement.outcome for settlement in bench.told]


async def test_a_drain_of_nothing_is_done_at_once(bench: Bench):
    assert await bench.consumer.drain(timedelta(hours=1))


class Stub(Delivery):
    """A delivery whose broker misbehaves."""

    def __init__(self, settle: Callable[[], Awaitable[None]], *, stale: bool = False) -> None:
        self.message = Message(body=b"ok", id="m")
        self._stale = stale
        self._settle = settle

    @property
    def stale(self) -> bool:
        return self._stale

    async def settle(self, *outcomes: Outcome, kept: Callable[[], None] = lambda: None) -> None:
        await self._settle()


class TestABrokerThatMisbehaves:
    async def given(self, bench: Bench, delivery: Delivery) -> None:
        async def deliveries() -> AsyncIterator[Delivery]:
            yield delivery

        await bench.consumer.run(deliveries())

    async def test_a_stale_delivery_is_dropped_unsent(self, bench: Bench):
        async def never() -> None:
            raise AssertionError

        await self.given(bench, Stub(never, stale=True))
        await bench.consumer.drain(timedelta(seconds=5))

        assert [] == bench.told

    async def test_a_settlement_with_a_bug_is_said(self, bench: Bench, caplog):
        async def bug() -> None:
            raise TypeError("cannot encode")

        await self.given(bench, Stub(bug))
        await bench.until_told(1)

        assert bench.told[0].lost
        assert "message m could not be settled; it stays unacknowledged" in caplog.text

    async def test_a_settlement_that_never_ends_does_not_hold_the_drain(self, bench: Bench, monkeypatch):
        monkeypatch.setattr("dispatcher.flow.hands.SETTLE_TIMEOUT", timedelta(milliseconds=20))

        async def hang() -> None:
            await asyncio.Event().wait()

        await self.given(bench, Stub(hang))
        async with asyncio.timeout(5):
            assert not await bench.consumer.drain(timedelta(milliseconds=20))
