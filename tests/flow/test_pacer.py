"""Turns: kept to the rates, in order, without holding anybody up for long."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from time import monotonic, process_time

import pytest

from dispatcher.flow import lines, pacer
from dispatcher.flow.pacer import LONGEST, Pacer
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.rates import Destination, parse_rate
from tests.waiting import until


def chat(name: int | str, *rates: str) -> Destination:
    return Destination(f"chat {name}", tuple(filter(None, map(parse_rate, rates))))


class Office:
    """Takes turns and notes when who had one."""

    def __init__(self, *shared: str) -> None:
        self.pacer = Pacer(filter(None, map(parse_rate, shared)))
        self.served: list[tuple[object, float]] = []
        self.waits: dict[object, float] = {}
        self.start = monotonic()

    async def try_once(
        self, who: object, *destinations: Destination, work: Callable[[], object] = lambda: None
    ) -> None:
        """One try, as a handler makes it."""
        try:
            async with self.pacer.turn(who, destinations):
                result = work()
                if asyncio.iscoroutine(result):
                    await result
                self.served.append((who, monotonic() - self.start))
        except Failure as failure:
            self.waits[who] = (failure.wait or timedelta(0)).total_seconds()
            if failure.kind is not Kind.THROTTLED:
                raise

    async def serve(self, who: object, *destinations: Destination) -> None:
        """Try until served, as the broker lets a message come back."""
        while who not in self.names:
            await self.try_once(who, *destinations)
            if who not in self.names:
                await asyncio.sleep(max(2.0, self.waits[who]) if self.waits[who] > 2 else 2.0)

    @property
    def names(self) -> list[object]:
        return [who for who, _ in self.served]

    @property
    def times(self) -> list[float]:
        return [time for _, time in self.served]


MILLISECOND = 0.001
"""What the pacer counts in."""


def none_early(times: list[float], count: int, seconds: float) -> bool:
    """Tell whether each came when as many as may had come before it, at the soonest: so many in each such span.

    They are noted a moment after the turn, which may last where the machine is busy: one that is late and one that is
    punctual seem too close to each other then, but nobody can seem to have come before time. What a rate lets through
    in any span at all is held in `tests/test_buckets.py`, with a clock that stands still meanwhile.
    """
    return all(time >= place // count * seconds - MILLISECOND for place, time in enumerate(times))


async def test_without_rates_nobody_waits():
    office = Office()

    await asyncio.gather(*(office.try_once(number) for number in range(1000)))

    assert list(range(1000)) == office.names


async def test_one_destination_is_served_in_order_and_no_faster_than_its_rate():
    office = Office()

    await asyncio.gather(*(office.try_once(number, chat(1, "10/s")) for number in range(15)))

    assert list(range(15)) == office.names
    assert none_early(office.times, 1, 0.1)


async def test_all_rates_of_a_destination_hold():
    office = Office()

    await asyncio.gather(*(office.try_once(number, chat(-1, "20/s", "5/1h")) for number in range(6)))

    assert [0, 1, 2, 3, 4] == office.names
    assert LONGEST < office.waits[5] <= 3600
    assert none_early(office.times, 2, 0.1)


async def test_others_are_not_held_up():
    office = Office()

    await asyncio.gather(
        *(office.try_once(f"one {number}", chat(1, "1/10s")) for number in range(50)),
        *(office.try_once(f"other {number}", chat(number + 2, "1/10s")) for number in range(50)),
    )

    assert {"one 0", *(f"other {number}" for number in range(50))} == set(office.names)
    assert max(office.times) < 1
    assert 49 == len(office.waits)


async def test_a_long_wait_is_told_about_right_and_not_held():
    office = Office()

    await asyncio.gather(*(office.try_once(number, chat(1, "1/10s")) for number in range(5)))

    assert [0] == office.names
    for number in range(1, 5):
        assert 10 * number - 1.5 <= office.waits[number] <= 10 * number


async def test_what_all_share_holds_and_is_fair():
    office = Office("20/s")

    await asyncio.gather(*(office.try_once(number, chat(number, "1/s")) for number in range(40)))

    assert list(range(40)) == office.names
    assert none_early(office.times, 2, 0.1)
    assert 0.9 < max(office.times) < 2.2


async def test_a_crowd_that_all_share_is_sent_round_rather_than_held():
    office = Office("10/s")

    await asyncio.gather(*(office.try_once(number, chat(number, "1/s")) for number in range(60)))

    assert 20 <= len(office.names) <= 31
    assert len(office.names) + len(office.waits) == 60
    assert max(office.times) < LONGEST + 1.5


async def test_who_is_sent_round_keeps_the_place():
    office = Office()
    here = chat(1, "2/1s")

    await asyncio.gather(*(office.serve(number, here) for number in range(12)))

    assert list(range(12)) == office.names
    assert none_early(office.times, 2, 1)
    assert max(office.times) < 5 * 1.1 + 0.5  # twelve at two a second: no turn was lost


async def test_the_whole_sender_pauses_and_nobody_overtakes():
    office = Office()
    await office.try_once("throttled", chat(1, "100/s"), work=too_many)
    office.pacer.pause(timedelta(seconds=1))

    await asyncio.gather(office.try_once("later", chat(1, "100/s")), office.try_once("elsewhere", chat(2, "100/s")))
    assert ["elsewhere"] == office.names  # the other line waits for who was there before
    assert office.times[0] >= 1

    await office.try_once("throttled", chat(1, "100/s"))
    await office.try_once("later", chat(1, "100/s"))
    assert ["elsewhere", "throttled", "later"] == office.names


@pytest.mark.parametrize("rate", ["1/30d", "1/999999d", "1/99999999d", "1/999999999d"])
async def test_the_slowest_rates_are_looked_at_again_after_a_week(rate: str):
    office = Office()

    for number in range(20):
        await office.try_once(number, chat(1, rate))

    assert [0] == office.names
    assert {7 * 24 * 3600} == set(office.waits.values())


async def test_only_a_longer_pause_is_news():
    office = Office()

    assert office.pacer.pause(timedelta(days=1000))
    assert not office.pacer.pause(timedelta(days=7))
    await office.try_once("a")
    assert 7 * 24 * 3600 - 10 < office.waits["a"] <= 7 * 24 * 3600


async def test_a_long_pause_is_told_to_everybody():
    office = Office()
    office.pacer.pause(timedelta(minutes=5))

    await asyncio.gather(office.try_once("a"), office.try_once("b", chat(2, "1/s")))

    assert [] == office.served
    assert all(298 <= wait <= 300 for wait in office.waits.values())


def too_many() -> None:
    raise Failure(Kind.THROTTLED, Reason.RATE_LIMITED, "429", wait=timedelta(seconds=1))


async def test_a_failure_gives_the_place_up():
    office = Office()

    def broken() -> None:
        raise Failure(Kind.TRANSIENT, Reason.SERVICE_ERROR, "502", wait=timedelta(0))

    with pytest.raises(Failure):
        await office.try_once("broken", chat(1, "100/s"), work=broken)
    await office.try_once("next", chat(1, "100/s"))

    assert ["next"] == office.names


async def test_a_bug_gives_the_place_up():
    office = Office()

    with pytest.raises(ZeroDivisionError):
        await office.try_once("bug", chat(1, "100/s"), work=lambda: 1 / 0)
    await office.try_once("next", chat(1, "100/s"))

    assert ["next"] == office.names


async def test_one_that_is_sent_holds_up_only_those_behind_it():
    office = Office()
    done = asyncio.Event()
    slow = asyncio.create_task(office.try_once("slow", chat(1, "100/s"), work=done.wait))
    behind = asyncio.create_task(office.try_once("behind", chat(1, "100/s")))
    await office.try_once("elsewhere", chat(2, "100/s"))
    await asyncio.sleep(0)

    assert ["elsewhere"] == office.names
    done.set()
    await asyncio.gather(slow, behind)
    assert ["elsewhere", "slow", "behind"] == office.names


async def test_who_waits_behind_a_slow_one_is_sent_round_in_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pacer, "PATIENCE", 0.1)
    office = Office()
    slow = asyncio.create_task(office.try_once("slow", chat(1, "100/s"), work=asyncio.Event().wait))
    await asyncio.sleep(0)

    await office.try_once("behind", chat(1, "100/s"))

    assert "behind" in office.waits
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)


async def test_one_who_does_not_come_back_loses_the_place(monkeypatch: pytest.MonkeyPatch):
    office = Office()
    await asyncio.gather(*(office.try_once(number, chat(1, "1/3s")) for number in range(2)))
    assert [0] == office.names

    monkeypatch.setattr(lines, "OVERDUE", -10)
    await asyncio.sleep(0)
    await until(lambda: office.pacer._lines["chat 1"].oldest.lost)
    monkeypatch.setattr(pacer, "LONGEST", 10)
    await office.try_once("after", chat(1, "1/3s"))

    assert [0, "after"] == office.names


async def test_one_who_is_late_is_passed_over_and_keeps_the_place():
    office = Office()
    await asyncio.gather(*(office.try_once(number, chat(1, "1/3s")) for number in range(4)))
    assert [0] == office.names

    while 2 not in office.names:  # it stands behind 1, who should have come after three seconds and does not
        await office.try_once(2, chat(1, "1/3s"))
        await asyncio.sleep(0.1)
    assert 3 + lines.LATE - 0.1 <= office.times[1] <= 3 + lines.LATE + 1.5
    while len(office.names) < 3:
        await asyncio.gather(office.try_once(3, chat(1, "1/3s")), office.try_once(1, chat(1, "1/3s")))

    assert [0, 2, 1] == office.names


async def test_messages_of_the_same_id_do_not_share_a_turn():
    office = Office()

    await asyncio.gather(*(office.try_once("twin", chat(1, "10/s")) for _ in range(3)))

    assert 3 == len(office.served)
    assert none_early(office.times, 1, 0.1)


async def test_messages_of_the_same_id_leave_no_place_behind_when_they_are_sent_round(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pacer, "LONGEST", 0.05)
    monkeypatch.setattr(pacer, "EARLY", 0.0)
    office = Office()
    here = chat(1, "1/200ms")
    served: list[str] = []

    async def serve(label: str, who: str, work: float = 0) -> None:
        while label not in served:
            try:
                async with office.pacer.turn(who, [here]):
                    await asyncio.sleep(work)
                    served.append(label)
            except Failure:
                await asyncio.sleep(0.02)

    async with asyncio.timeout(10):  # nobody waits for a place that nobody comes back to
        await asyncio.gather(
            serve("in hand for long", "twin", work=0.3),
            *(serve(f"twin {number}", "twin") for number in range(3)),
            serve("last", "last"),
        )

    assert "in hand for long" == served[0]
    assert not office.pacer._places


async def test_a_thousand_messages_of_the_same_id_are_many_but_no_burden():
    office = Office()
    here = chat(1, "900000/s")
    done = asyncio.Event()
    slow = asyncio.create_task(office.try_once("twin", here, work=done.wait))
    twins = [asyncio.create_task(office.try_once("twin", here)) for _ in range(1500)]
    began = process_time()
    await asyncio.sleep(0)
    done.set()
    await asyncio.gather(slow, *twins)

    assert 1501 == len(office.served)
    assert process_time() - began < 5


async def test_who_waits_leaves_the_event_loop_to_others():
    office = Office()
    seen = [monotonic()]

    async def look() -> None:
        while True:
            await asyncio.sleep(0.01)
            seen.append(monotonic())

    looking = asyncio.create_task(look())
    await asyncio.gather(*(office.try_once(number, chat(1, "1/700ms")) for number in range(3)))
    looking.cancel()
    seen.append(monotonic())

    assert [0, 1, 2] == office.names
    assert max(later - before for before, later in pairwise(seen)) < 0.35


async def test_a_place_that_is_given_up_is_not_waited_for():
    office = Office()
    here = chat(1, "1/3s")
    await asyncio.gather(*(office.try_once(number, here) for number in range(3)))
    assert {1, 2} == set(office.waits)

    office.pacer.give_up(1)
    office.pacer.give_up("unknown")
    await asyncio.sleep(1.2)
    await office.try_once(2, here)

    assert [0, 2] == office.names
    assert 3 <= office.times[1] < 4


async def test_what_was_used_besides_is_waited_for():
    office = Office()
    here = chat(1, "10/s")
    await office.try_once("long", here)
    office.pacer.owe([here], 5)
    await office.try_once("next", here)

    assert office.times[1] - office.times[0] >= 0.59


async def test_an_interrupted_wait_leaves_nothing_behind():
    office = Office()
    await office.try_once("first", chat(1, "1/s"))
    waiting = asyncio.create_task(office.try_once("interrupted", chat(1, "1/s")))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    await office.try_once("interrupted", chat(1, "1/s"))  # as it comes again

    assert ["first", "interrupted"] == office.names
    assert not office.pacer._places


async def test_destinations_that_nobody_needs_are_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pacer, "TIDIED", 0)
    office = Office()

    for number in range(100):
        await office.try_once(number, chat(number, "1/1ms"))

    assert len(office.pacer._lines) < 60
    assert not office.pacer._places


async def test_places_that_nobody_comes_back_for_are_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pacer, "MOST_PLACES", 30)
    monkeypatch.setattr(pacer, "TIDIED", 0)
    office = Office()
    for number in range(30):
        await office.try_once(f"first {number}", chat(number, "1/1h"))
        await office.try_once(f"never back {number}", chat(number, "1/1h"))
    assert 30 == len(office.waits) == len(office.pacer._places)

    monkeypatch.setattr(lines, "OVERDUE", -7200)
    await office.try_once("next", chat("next", "1/1h"))

    assert "next" in office.names
    assert not office.pacer._places


async def test_more_places_than_are_kept_are_sent_round(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pacer, "MOST_PLACES", 3)
    office = Office()

    await asyncio.gather(*(office.try_once(number, chat(1, "1/10s")) for number in range(6)))

    assert [0] == office.names
    assert 5 == len(office.waits)
    assert len(office.pacer._places) <= 3
