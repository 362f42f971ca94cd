"""An outage pauses the queue, a probe finds its end, and one message goes first."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from time import monotonic

import pytest

from dispatcher.brokers.memory import MemoryBroker
from dispatcher.flow.circumstances import Circumstances
from dispatcher.flow.consumer import Consumer
from dispatcher.flow.outages import Outages
from dispatcher.flow.page import Page
from dispatcher.words.errors import Failure, Kind, Reason, SomeFailed
from dispatcher.words.health import State
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Settlement
from dispatcher.words.retries import Ladder
from tests.waiting import until

LADDER = Ladder([timedelta(milliseconds=50), timedelta(milliseconds=100)])
PREFETCH = 10


class Service:
    """What is at the other end, with a broker and a consumer before it."""

    def __init__(self) -> None:
        self.away = False
        self.answers = True  # to the probe; it may answer and serve nobody nevertheless
        self.probes = 0
        self.tries = 0
        self.side_by_side = self.most = 0
        self.reason = Reason.SMTP_UNREACHABLE
        self.slow = False
        self.served: list[str] = []
        self.told = list[Settlement]()
        self.broker = MemoryBroker()
        self.outages = Outages("email", self.probe, 0.02, 0.1)
        watch = Circumstances(Page(queue="email"), self.outages)
        self.consumer = Consumer("email", self.handle, LADDER, [self.told.append], watch)

    async def probe(self) -> None:
        self.probes += 1
        if not self.answers:
            raise Failure(Kind.OUTAGE, Reason.SMTP_UNREACHABLE, "still nobody answers")

    async def handle(self, message: Message) -> None:
        self.tries += 1
        self.side_by_side += 1
        self.most = max(self.most, self.side_by_side)
        try:
            await asyncio.sleep(0.01)
            await self.serve(message)
        finally:
            self.side_by_side -= 1

    async def serve(self, message: Message) -> None:
        if message.body == b"bad template":
            raise Failure(Kind.CONTENT, Reason.TEMPLATE_BROKEN, "line 3")
        if self.away and message.body == b"some":
            raise SomeFailed({1: Failure(Kind.OUTAGE, self.reason, "gone")}, ("a", "b"))
        if self.away:
            raise Failure(Kind.OUTAGE, self.reason, "nobody answers")
        if message.body == b"transient":
            raise Failure(Kind.TRANSIENT, Reason.SMTP_TEMPORARY, "451 later")
        self.served.append(message.id)

    async def give(self, count: int, body: bytes = b"ok", name: str = "m") -> None:
        for number in range(count):
            await self.broker.publish("email", Message(body=body, id=f"{name}{number}"))

    async def waiting(self) -> int:
        return await self.broker.declare("email")


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    subscription = await service.broker.subscribe("email", prefetch=PREFETCH)
    running = asyncio.create_task(service.consumer.run(subscription))
    yield service
    await subscription.stop()
    await running
    await service.consumer.drain(timedelta(0))
    await service.broker.close()


async def test_an_outage_touches_no_message_and_all_are_served_after_it(service: Service):
    service.away, service.answers = True, False
    await service.give(100)
    await until(lambda: service.probes >= 5)

    assert State.PAUSED is service.consumer.health.state
    assert "still nobody answers" == service.consumer.health.text
    assert service.consumer.health.since is not None
    assert 100 == await service.waiting()
    assert service.tries <= PREFETCH
    assert {"released"} == {settlement.outcome for settlement in service.told}

    service.away, service.answers = False, True
    await until(lambda: len(service.served) == 100)

    assert 100 == len(set(service.served))
    await until(lambda: service.consumer.health.state is State.TAKING)
    assert service.consumer.health.text is None


async def test_one_message_goes_first_until_one_gets_through(service: Service):
    service.away, service.answers = True, True  # it answers, and serves nobody
    await service.give(50)
    await until(lambda: service.probes >= 4)
    service.most = 0
    tries = service.tries
    await until(lambda: service.probes >= 7)

    assert 1 == service.most
    assert service.tries - tries <= 4

    service.away = False
    await until(lambda: len(service.served) == 50)

    assert service.most > 1


async def test_the_message_that_goes_first_is_not_given_back_again_and_again(service: Service):
    service.away = True
    await service.give(1)
    await until(lambda: service.probes >= 3)

    assert "released" == service.told[0].outcome
    assert {"deferred"} == {settlement.outcome for settlement in service.told[1:]}
    assert {1} == {settlement.message.attempt for settlement in service.told}


async def test_what_the_broker_has_handed_out_often_is_not_given_back_once_more(service: Service):
    service.away, service.answers = True, False
    often = Message(body=b"ok", id="often", returned=5)
    await service.broker.publish("email", often)
    await until(lambda: bool(service.told))

    assert "deferred" == service.told[0].outcome
    assert (1, 0) == (service.told[0].outcomes[0].copy.attempt, service.told[0].outcomes[0].copy.returned)


async def test_it_is_said_once_at_the_beginning_and_once_at_the_end(service: Service, caplog):
    caplog.set_level("INFO")
    service.away = True
    await service.give(30)
    await until(lambda: service.probes >= 4)
    service.away = False
    await until(lambda: service.consumer.health.state is State.TAKING)

    said = [record.getMessage() for record in caplog.records]
    assert "email: paused, because nobody answers; no message is touched until that is over" == said[0]
    assert "email: it answers again; one message is tried first" == said[1]
    assert said[2].startswith("email: taking messages again, after ")
    assert 3 == len(said)


async def test_what_fails_before_it_reaches_the_service_does_not_end_an_outage(service: Service):
    service.away, service.answers = True, False
    await service.give(1)
    await until(lambda: service.consumer.health.state is State.PAUSED)
    await service.give(3, b"bad template", "bad")
    service.answers = True
    await until(lambda: sum(one.outcome == "rejected" for one in service.told) == 3)

    assert State.TAKING is not service.consumer.health.state

    service.away = False
    await service.give(1, name="good")
    await until(lambda: service.consumer.health.state is State.TAKING)


async def test_a_message_that_the_service_refuses_ends_an_outage(service: Service):
    service.away, service.answers = True, False
    await service.give(1, b"transient")
    await until(lambda: service.consumer.health.state is State.PAUSED)
    service.away, service.answers = False, True

    await until(lambda: service.consumer.health.state is State.TAKING)


async def test_who_was_not_served_of_several_waits_in_a_copy_and_the_queue_pauses(service: Service):
    service.away, service.answers = True, False
    await service.give(1, b"some")
    await until(lambda: service.consumer.health.state is State.PAUSED)

    (told,) = service.told
    assert ("deferred", 1) == (told.outcome, told.outcomes[0].copy.attempt)


async def test_a_service_that_leaves_everything_unanswered_pauses_the_queue_and_each_try_counts(service: Service):
    async def unanswered(message: Message) -> None:
        if service.away:
            raise Failure(Kind.UNKNOWN, Reason.SMTP_UNANSWERED, "cut off after the dot")
        service.served.append(message.id)

    service.serve = unanswered  # type: ignore[method-assign]
    service.away, service.answers = True, False
    await service.give(40)
    await until(lambda: service.consumer.health.state is State.PAUSED and service.probes >= 2)

    assert service.tries <= 2 * PREFETCH
    assert {"deferred", "released"} >= {settlement.outcome for settlement in service.told}

    service.answers = True
    await until(lambda: service.probes >= 5)

    assert service.tries <= 3 * PREFETCH  # one for each trial

    service.away = False
    await until(lambda: len(service.served) == 40)


async def test_one_that_is_not_answered_now_and_then_pauses_nothing(service: Service):
    async def now_and_then(message: Message) -> None:
        if message.attempt == 1 and message.id in {"m3", "m9", "m15", "m21", "m27", "m33"}:
            raise Failure(Kind.UNKNOWN, Reason.SMTP_UNANSWERED, "cut off after the dot")

    service.serve = now_and_then  # type: ignore[method-assign]
    await service.give(40)
    await until(lambda: sum(one.outcome == "accepted" for one in service.told) == 40)

    assert 0 == service.probes


async def test_a_bug_in_the_probe_is_said_and_tried_again(service: Service, caplog):
    async def broken() -> None:
        service.probes += 1
        if service.probes < 3:
            raise ZeroDivisionError
        service.away = False

    service.outages._probe = broken
    service.away = True
    await service.give(5)
    await until(lambda: len(service.served) == 5)

    assert "a bug in the probe of email" in caplog.text


async def test_a_probe_that_a_library_breaks_off_is_tried_again(service: Service, caplog):
    async def broken_off() -> None:
        service.probes += 1
        if service.probes < 3:
            raise asyncio.CancelledError
        service.away = False

    service.outages._probe = broken_off
    service.away = True
    await service.give(5)
    await until(lambda: len(service.served) == 5)

    assert "the probe of email was broken off" in caplog.text


async def test_a_watch_that_ends_is_no_false_peace(service: Service):
    async def broken() -> None:
        raise ZeroDivisionError

    subscription = await service.broker.subscribe("email", prefetch=1)
    subscription.pause = broken  # type: ignore[method-assign]
    consumer = Consumer("email", service.handle, LADDER, [], Circumstances(Page(queue="email"), Outages("email")))
    running = asyncio.create_task(consumer.run(subscription))
    consumer._outages.note(Failure(Kind.OUTAGE, Reason.SMTP_UNREACHABLE, "gone"), asyncio.get_running_loop().time())
    with pytest.raises(ZeroDivisionError):
        await running


async def test_an_outage_of_a_try_that_began_before_the_service_was_back_is_no_news(service: Service):
    began = asyncio.get_running_loop().time()
    service.away = True
    await service.give(1)
    await until(lambda: service.consumer.health.state is State.PAUSED)
    service.away = False
    await until(lambda: service.consumer.health.state is State.TAKING)

    assert service.outages.note(Failure(Kind.OUTAGE, Reason.SMTP_UNREACHABLE, "late"), began)
    assert not service.outages.paused


async def test_the_good_end_of_a_try_that_began_before_the_outage_is_no_news(service: Service):
    """A mail that was past its sender when the server closed its door may end well long after."""
    service.away, service.answers = True, True
    before = monotonic()
    await service.give(3)
    await until(lambda: service.consumer.health.state is State.TRYING)
    service.outages.note(None, before)
    await until(lambda: service.probes >= 3)

    assert State.TAKING is not service.consumer.health.state
    assert [] == service.served


async def test_interrupting_a_try_is_no_outage(service: Service):
    assert not service.outages.note(Failure(Kind.OUTAGE, Reason.INTERRUPTED, "stopped"), 0.0)


async def test_what_began_before_and_has_handed_nothing_over_goes_back_as_it_is(service: Service):
    """As a mail does that waits for a connection: it need not meet the outage that another one has met."""
    began = monotonic()
    taking = service.outages.forbids(began)
    service.away, service.answers = True, False
    await service.give(1)
    await until(lambda: service.outages.state is State.PAUSED)
    paused = service.outages.forbids(monotonic())
    service.answers = True
    await until(lambda: service.outages.state is State.TRYING)
    older, newer = service.outages.forbids(began), service.outages.forbids(monotonic())
    service.away = False
    await until(lambda: service.outages.state is State.TAKING)
    after = service.outages.forbids(began)

    assert (None, None, None) == (taking, newer, after)
    for hindrance in (paused, older):
        assert hindrance is not None
        assert (Kind.OUTAGE, Reason.INTERRUPTED) == (hindrance.kind, hindrance.reason)
        assert hindrance.text.startswith("email is paused, because ")
