"""No message twice: what the journal knows is not sent again, and what kills is not tried for ever."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from dispatcher.brokers.memory import MemoryBroker
from dispatcher.contract.email import EmailNotification
from dispatcher.flow.circumstances import Circumstances
from dispatcher.flow.consumer import Consumer
from dispatcher.flow.journal import Hand, Journal, Record
from dispatcher.flow.notify import Notify
from dispatcher.flow.once import AlreadySettled, Once
from dispatcher.flow.outages import Outages
from dispatcher.flow.page import Page
from dispatcher.notifiers.base import Notifier, Report
from dispatcher.notifiers.ledger import Ledger
from dispatcher.words.errors import DeliveryLost, Failure, Kind, Reason
from dispatcher.words.messages import Message, milliseconds
from dispatcher.words.outcomes import Settlement, Split
from dispatcher.words.retries import Ladder
from dispatcher.words.texts import Rendered
from tests.waiting import until

LADDER = Ladder([timedelta(milliseconds=50), timedelta(milliseconds=100)])


class Marked(Hand):
    """A message in hand, in plain sight."""

    __slots__ = ("notes",)

    def __init__(self, key: bytes, notes: "Notes") -> None:
        super().__init__(key)
        self.notes = notes

    def serve(self, slots: Collection[int], pieces: int = 0, *, last: bool = False) -> None:
        if last:
            self.notes.finished.append(self.key)
        self.notes.serve(self.key, slots, pieces)

    def release(self) -> None:
        self.notes.held.remove(self.key)


class Notes(Journal):
    """A journal in plain sight."""

    trouble = None

    def __init__(self) -> None:
        self.served: dict[bytes, dict[int, tuple[int, datetime]]] = {}
        self.unsure: dict[bytes, set[int]] = {}
        self.settled: set[bytes] = set()
        self.deaths: dict[bytes, int] = {}
        self.elsewhere: set[bytes] = set()
        self.held: list[bytes] = []
        self.finished: list[bytes] = []

    def recall(self, key: bytes, since: datetime | None = None) -> Record:
        rows = self.served.get(key, {})
        return Record(
            {slot: pieces for slot, (pieces, at) in rows.items() if since is None or at >= since},
            frozenset(self.unsure.get(key, ())),
            self.deaths.get(key, 0),
        )

    def hand_over(self, key: bytes, slots: Collection[int]) -> None:
        self.unsure.setdefault(key, set()).update(slots)

    def serve(self, key: bytes, slots: Collection[int], pieces: int = 0) -> None:
        self.served.setdefault(key, {}).update({slot: (pieces, datetime.now(UTC)) for slot in slots})
        self.unsure.get(key, set()).difference_update(slots)

    def settle(self, version: bytes) -> None:
        self.settled.add(version)

    def is_settled(self, version: bytes) -> bool:
        return version in self.settled

    def take(self, key: bytes) -> Hand:
        self.held.append(key)
        return Marked(key, self)

    def is_held_elsewhere(self, key: bytes) -> bool:
        return key in self.elsewhere

    def clear(self, key: bytes) -> None:
        self.deaths.pop(key, None)
        self.unsure.pop(key, None)

    def close(self) -> None:
        pass


class Names:
    async def render_once_saved(self, name: str, parameters: Mapping[str, Any], locale: str | None = None) -> Rendered:
        return Rendered({"txt": str(parameters)}, "Hi", name)


class Service(Notifier):
    """Takes everything, or does as told."""

    contract = EmailNotification
    formats: ClassVar = {}
    final = False

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.fail: dict[str, Failure] = {}
        self.held_up = asyncio.Event()
        self.held_up.set()
        self.began = 0
        self.most = self.now = 0

    async def send(self, message_id: str, notification: Any, part: Any, rendered: Rendered, ledger: Ledger) -> Report:
        self.began += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.held_up.wait()
            waiting = [one for one in part.recipients if one.slot not in ledger.done]
            ledger.hand_over([one.slot for one in waiting])
            for one in waiting:
                if one.address in self.fail:
                    raise self.fail[one.address]
                self.sent.append(f"{message_id} {one.address}")
            ledger.serve([one.slot for one in waiting])
            return Report()
        finally:
            self.now -= 1

    @property
    def unknown_is_final(self) -> bool:
        return self.final

    async def check(self) -> str:
        return ""

    async def close(self) -> None:
        pass


def message(name: str = "m", to: list[str] | str = "ada", *, redelivered: bool = False, **headers: object) -> Message:
    body: dict[str, Any] = {"template": "hello", "to": to}
    if isinstance(to, list):
        body["parameters"] = [{}] * len(to)
    return Message(body=json.dumps(body).encode(), id=name, headers=headers, redelivered=redelivered)


class Host:
    """A consumer with what it goes by, on a broker in memory."""

    def __init__(self) -> None:
        self.notes = Notes()
        self.ahead = timedelta(0)
        self.page = Page(self.notes, "broker", "email", lambda: datetime.now(UTC) + self.ahead)
        self.service = Service()
        self.broker = MemoryBroker()
        self.told: list[Settlement] = []
        handler = Notify(self.service, Names(), self.page)
        self.consumer = Consumer(
            "email", handler, LADDER, [self.told.append], Circumstances(self.page, Outages("email"))
        )

    async def give(self, one: Message) -> None:
        await self.broker.queue("email").put(one, redelivered=one.redelivered)

    async def settled(self, count: int = 1) -> list[str]:
        await until(lambda: len(self.told) >= count)
        return [one.outcome for one in self.told]


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    host = Host()
    subscription = await host.broker.subscribe("email", prefetch=20)
    running = asyncio.create_task(host.consumer.run(subscription))
    yield host
    host.service.held_up.set()
    await subscription.stop()
    await running
    await host.consumer.drain(timedelta(seconds=2))
    await host.broker.close()


class TestServed:
    async def test_what_was_sent_is_not_sent_again_when_the_broker_hands_it_out_again(self, host: Host):
        await host.give(message())
        await host.settled()
        await host.give(message(redelivered=True))

        assert ["accepted", "accepted"] == await host.settled(2)
        assert ["m ada"] == host.service.sent
        assert "sent before to 1 of 1; not sent to them again" == host.told[1].message.notes["remark"]

    async def test_nor_when_the_broker_has_handed_it_out_so_often_that_a_copy_took_its_place(self, host: Host):
        await host.give(message())
        await host.settled()
        await host.give(message(redelivered=True).renewed())

        assert ["accepted", "accepted"] == await host.settled(2)
        assert ["m ada"] == host.service.sent

    async def test_a_second_message_that_looks_the_same_is_a_second_notification(self, host: Host):
        await host.give(message())
        await host.give(message())
        await host.settled(2)

        assert ["m ada", "m ada"] == host.service.sent

    async def test_of_several_recipients_only_those_who_have_nothing_yet_are_served(self, host: Host):
        again = message(to=["ada", "bob", "cleo"], redelivered=True)
        host.notes.serve(host.page.key(again), [1])
        await host.give(again)
        await host.settled()

        assert ["m ada", "m cleo"] == host.service.sent

    async def test_it_is_known_by_its_copies_too(self, host: Host):
        copy = message().with_headers({"dispatcher-first-seen": milliseconds(datetime.now(UTC))})
        host.notes.serve(host.page.key(copy), [0])
        await host.give(copy)

        assert ["accepted"] == await host.settled()
        assert [] == host.service.sent

    async def test_what_was_sent_long_before_a_message_was_first_seen_was_another(self, host: Host):
        host.notes.serve(host.page.key(message()), [0])
        later = milliseconds(datetime.now(UTC) + timedelta(hours=1))
        host.ahead = timedelta(hours=1, seconds=10)
        await host.give(message().with_headers({"dispatcher-first-seen": later}))
        await host.settled()

        assert ["m ada"] == host.service.sent

    async def test_what_was_sent_after_a_clock_was_set_back_is_known(self, host: Host):
        host.notes.serve(host.page.key(message()), [0])
        later = milliseconds(datetime.now(UTC) + timedelta(hours=1))
        await host.give(message().with_headers({"dispatcher-first-seen": later}))

        assert ["accepted"] == await host.settled()
        assert [] == host.service.sent

    @pytest.mark.parametrize("seen", [-62_135_596_800_000, 0, 4_102_444_800_000])
    async def test_a_time_that_cannot_be_is_none(self, host: Host, seen: int):
        copy = message().with_headers({"dispatcher-first-seen": seen})
        host.notes.serve(host.page.key(copy), [0])
        await host.give(copy)

        assert ["accepted"] == await host.settled()
        assert [] == host.service.sent

    async def test_the_same_message_published_twice_to_many_is_sent_twice_to_each(
        self, host: Host, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("dispatcher.flow.page.SLACK", timedelta(seconds=-1))  # as if time had gone by in between
        people = [f"p{number}" for number in range(30)]
        await host.give(message(to=people))
        await host.settled(31)
        await host.give(message(to=people))
        await host.settled(62)

        assert 60 == len(host.service.sent)

    async def test_what_was_sent_in_time_is_not_called_expired(self, host: Host):
        body = json.dumps({"template": "x", "to": "ada", "expires_at": "2020-01-01T00:00:00Z"}).encode()
        again = Message(body=body, id="m", redelivered=True)
        host.notes.serve(host.page.key(again), [0])
        await host.give(again)

        assert ["accepted"] == await host.settled()

    async def test_only_those_who_were_not_served_in_time_are_called_expired(self, host: Host):
        body = {"template": "x", "to": ["ada", "bob"], "parameters": [{}, {}], "expires_at": "2020-01-01T00:00:00Z"}
        again = Message(body=json.dumps(body).encode(), id="m", redelivered=True)
        host.notes.serve(host.page.key(again), [0])
        await host.give(again)

        assert ["rejected"] == await host.settled()
        (dead,) = host.told[0].outcomes
        assert ({0}, "expired") == (dead.copy.done, dead.failure.reason)

    async def test_pieces_of_a_long_text_are_known(self, host: Host):
        seen = []

        async def send(message_id: str, notification: Any, part: Any, rendered: Rendered, ledger: Ledger) -> Report:
            seen.append(part.pieces)
            return Report()

        host.service.send = send  # type: ignore[method-assign]
        again = message(redelivered=True)
        host.notes.serve(host.page.key(again), [0], 3)
        await host.give(again)
        await host.settled()

        assert [3] == seen


class TestWithoutAnId:
    """Twice is better than lost: one cannot be told from another with the same body."""

    @pytest.fixture
    def nameless(self) -> Message:
        return replace(message(), anonymous=True)

    async def test_one_that_comes_again_is_never_taken_for_another(self, host: Host, nameless: Message):
        for number in range(3):
            await host.give(replace(nameless, id=f"given {number}", redelivered=number > 0))
            await host.settled(number + 1)

        assert 3 == len(host.service.sent)

    async def test_nothing_is_written_down_about_what_cannot_be_told_apart(self, host: Host, nameless: Message):
        host.service.final = True
        await host.give(nameless)
        await host.settled()

        assert ({}, {}) == (host.notes.served, host.notes.unsure)


class TestSettled:
    async def test_a_message_whose_copy_is_kept_only_has_to_go(self, host: Host):
        host.service.fail["ada"] = Failure(Kind.RECIPIENT, Reason.NO_SUCH_RECIPIENT, "550")
        await host.give(message())
        await host.settled()
        await host.give(message(redelivered=True))

        assert ["rejected", "accepted"] == await host.settled(2)
        assert 1 == host.service.began

    async def test_a_message_published_again_is_tried_again(self, host: Host):
        host.service.fail["ada"] = Failure(Kind.RECIPIENT, Reason.NO_SUCH_RECIPIENT, "550")
        for count in (1, 2):
            await host.give(message())
            await host.settled(count)

        assert 2 == host.service.began

    async def test_a_message_published_again_is_not_taken_for_the_one_before_when_an_outage_gives_it_back(
        self, host: Host
    ):
        host.service.fail["ada"] = Failure(Kind.RECIPIENT, Reason.NO_SUCH_RECIPIENT, "550")
        await host.give(message())
        await host.settled(1)
        host.service.fail["ada"] = Failure(Kind.OUTAGE, Reason.SMTP_UNREACHABLE, "gone")
        await host.give(message())
        await host.settled(2)
        host.service.fail.clear()

        assert ["rejected", "released", "accepted"] == await host.settled(3)
        assert ["m ada"] == host.service.sent

    async def test_each_copy_goes_its_own_way(self, host: Host):
        host.service.fail["ada"] = Failure(Kind.TRANSIENT, Reason.SMTP_TEMPORARY, "451")
        await host.give(message())
        await host.settled(1)
        del host.service.fail["ada"]

        assert ["deferred", "accepted"] == await host.settled(2)

    async def test_a_copy_that_the_broker_doubles_is_sent_once(self, host: Host):
        copy = message().with_headers({"dispatcher-attempt": 1})
        for _ in range(2):
            await host.give(copy)
        await host.settled(2)

        assert ["m ada"] == host.service.sent


class TestInHand:
    async def test_what_is_in_hand_is_not_taken_in_the_other_hand(self, host: Host):
        host.service.held_up.clear()
        await host.give(message())
        await until(lambda: host.service.began == 1)
        await host.give(message(redelivered=True))
        await until(lambda: len(host.consumer._hands._full) == 2)
        host.service.held_up.set()
        await host.settled(2)

        assert ["m ada"] == host.service.sent

    async def test_what_another_daemon_of_the_host_has_in_hand_is_waited_for(self, host: Host):
        again = message(redelivered=True)
        key = host.page.key(again)
        host.notes.elsewhere.add(key)
        await host.give(again)
        await until(lambda: len(host.consumer._hands._full) == 1)
        host.notes.serve(key, [0])
        host.notes.elsewhere.clear()

        assert ["accepted"] == await host.settled()
        assert [] == host.service.sent

    async def test_who_waits_for_one_that_goes_stale_lets_it_go(self, host: Host):
        stale = False
        again = replace(message(redelivered=True), is_stale=lambda: stale)
        host.notes.elsewhere.add(host.page.key(again))
        once = Once(host.page)

        async def turn() -> None:
            async with once.in_hand(again):
                pass

        waiting = asyncio.create_task(turn())
        await asyncio.sleep(0)
        stale = True
        with pytest.raises(DeliveryLost):
            await waiting

    async def test_it_is_marked_while_it_is_tried(self, host: Host):
        host.service.held_up.clear()
        await host.give(message())
        await until(lambda: host.service.began == 1)

        assert [host.page.key(message())] == host.notes.held

        host.service.held_up.set()
        await host.settled()

        assert [] == host.notes.held


class TestFrozen:
    """Another daemon of the host has the message in hand, and does nothing."""

    async def test_the_message_goes_round_so_that_others_get_through(self, host: Host, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("dispatcher.flow.once.PATIENCE", 0.0)
        again = message(redelivered=True)
        host.notes.elsewhere.add(host.page.key(again))
        await host.give(again)

        assert ["deferred"] == await host.settled()
        (waiting,) = host.told[0].outcomes
        assert ("held", "throttled", 1) == (waiting.failure.reason, waiting.failure.kind, waiting.copy.attempt)

    async def test_after_a_quarter_of_an_hour_it_is_sent_nevertheless(
        self, host: Host, monkeypatch: pytest.MonkeyPatch, caplog
    ):
        monkeypatch.setattr("dispatcher.flow.once.PATIENCE", 0.0)
        long_ago = milliseconds(datetime.now(UTC) - timedelta(minutes=16))
        copy = message().with_headers({"dispatcher-first-seen": long_ago})
        host.notes.elsewhere.add(host.page.key(copy))
        await host.give(copy)

        assert ["accepted"] == await host.settled()
        assert "message m is sent though another daemon of this host has it in hand" in caplog.text


class TestStale:
    async def test_what_went_stale_before_it_was_sent_is_not_sent(self, host: Host):
        host.service.held_up.clear()
        await host.give(message())
        await until(lambda: host.service.began == 1)
        (subscription,) = host.broker._subscriptions
        await subscription.let_go(subscription.in_hand[0])
        host.service.held_up.set()

        assert ["released"] == await host.settled()
        assert [True] == [one.lost for one in host.told]
        assert [] == host.service.sent


class TestDeaths:
    async def test_one_death_in_company_costs_nothing(self, host: Host):
        again = message(redelivered=True)
        host.notes.deaths[host.page.key(again)] = 1
        await host.give(again)

        assert ["accepted"] == await host.settled()
        assert ["m ada"] == host.service.sent
        assert {} == host.notes.deaths

    async def test_suspects_are_tried_one_at_a_time_and_others_beside_them(self, host: Host):
        host.service.held_up.clear()
        for number in range(5):
            suspect = message(f"suspect {number}", redelivered=True)
            host.notes.deaths[host.page.key(suspect)] = 1
            await host.give(suspect)
        for number in range(3):
            await host.give(message(f"other {number}"))
        await until(lambda: len(host.consumer._hands._full) == 8 and host.service.began == 4)
        host.service.held_up.set()
        await host.settled(8)

        assert 4 == host.service.most
        assert 8 == len(host.service.sent)

    async def test_a_second_death_costs_an_attempt_and_the_copy_is_tried_after_its_rung(self, host: Host):
        again = message(redelivered=True)
        host.notes.deaths[host.page.key(again)] = 2
        await host.give(again)

        assert ["deferred", "accepted"] == await host.settled(2)
        (waiting,) = host.told[0].outcomes
        assert (2, 2, "died") == (waiting.copy.attempt, waiting.copy.deaths, waiting.failure.reason)
        assert waiting.failure.text.startswith("the dispatcher died 2 times with this message")
        assert 1 == host.service.began

    async def test_after_three_deaths_it_is_a_dead_letter_that_says_so(self, host: Host):
        again = message(redelivered=True)
        host.notes.deaths[host.page.key(again)] = 3
        await host.give(again)

        assert ["rejected"] == await host.settled()
        (dead,) = host.told[0].outcomes
        assert dead.copy.headers["dispatcher-error"].startswith("the dispatcher died 3 times with this message")
        assert 0 == host.service.began

    async def test_a_number_that_somebody_made_up_does_not_hide_a_death(self, host: Host):
        again = message(redelivered=True, **{"dispatcher-deaths": 99})
        host.notes.deaths[host.page.key(again)] = 3
        await host.give(again)

        assert ["rejected"] == await host.settled()

    async def test_what_another_host_has_counted_counts(self, host: Host):
        paid = message(redelivered=True, **{"dispatcher-deaths": 2})
        await host.give(paid)

        assert ["accepted"] == await host.settled()


class TestUnknown:
    CUT = Failure(Kind.UNKNOWN, Reason.SMTP_UNANSWERED, "cut off after the dot")

    async def test_usually_it_is_sent_again(self, host: Host):
        host.service.fail["ada"] = self.CUT
        await host.give(message())
        await host.settled(1)
        host.service.fail.clear()

        assert ["deferred", "accepted"] == await host.settled(2)

    async def test_where_it_must_not_be_sent_twice_it_is_a_dead_letter(self, host: Host):
        host.service.final = True
        host.service.fail["ada"] = self.CUT
        await host.give(message())

        assert ["rejected"] == await host.settled()
        assert {} == host.notes.unsure

    async def test_what_the_service_refused_is_in_no_doubt(self, host: Host):
        host.service.final = True
        host.service.fail["ada"] = Failure(Kind.TRANSIENT, Reason.SMTP_TEMPORARY, "452 after the dot")
        await host.give(message())
        await host.settled(1)
        host.service.fail.clear()

        assert ["deferred", "accepted"] == await host.settled(2)

    async def test_so_is_what_was_handed_over_when_the_daemon_died(self, host: Host):
        host.service.final = True
        again = message(to=["ada", "bob"], redelivered=True)
        host.notes.hand_over(host.page.key(again), [0])
        await host.give(again)

        assert ["rejected"] == await host.settled()
        (dead,) = host.told[0].outcomes
        assert ("died", "unknown", {1}) == (dead.failure.reason, dead.failure.kind, dead.copy.done)
        assert ["m bob"] == host.service.sent


class TestSplitting:
    async def test_many_recipients_are_split_and_each_is_served_once(self, host: Host):
        people = [f"p{number}" for number in range(30)]
        await host.give(message(to=people))
        await host.settled(31)

        assert isinstance(host.told[0].outcomes[0], Split)
        assert {f"m.{number} p{number}" for number in range(30)} == set(host.service.sent)
        assert 30 == len(host.service.sent)

    async def test_split_again_after_a_crash_nobody_is_served_twice(self, host: Host):
        people = [f"p{number}" for number in range(30)]
        await host.give(message(to=people))
        await host.settled(31)
        host.notes.settled.clear()  # the crash came before this was noted
        await host.give(message(to=people, redelivered=True))
        await host.settled(62)

        assert 30 == len(host.service.sent)


class TestKeys:
    def test_they_tell_apart_what_differs(self):
        page = Page(None, "broker", "email")
        others = [
            Page(None, "broker", "slack").key(message()),
            Page(None, "another", "email").key(message()),
            page.key(message("n")),
            page.key(message(to="bob")),
            page.key(replace(message(), anonymous=True)),
            Page(None, "brokere", "mail").key(message()),
        ]

        assert 7 == len({page.key(message()), *others})

    def test_a_copy_has_the_key_of_its_message(self):
        page = Page()

        assert page.key(message()) == page.key(message().with_headers({"dispatcher-attempt": 3}))


async def test_already_settled_is_said_to_who_asks():
    notes = Notes()
    page = Page(notes)
    again = message(redelivered=True)
    page.settle(again)
    with pytest.raises(AlreadySettled):
        async with Once(page).in_hand(again):
            raise AssertionError
