"""When failures in a row are an outage, and when they are the trouble of one."""

from time import monotonic

import pytest

from dispatcher.notifiers.streak import LIMIT, Streak
from dispatcher.words.errors import Failure, Kind, Reason

T, OUTAGE = Kind.TRANSIENT, Kind.OUTAGE
ERROR = Failure(T, Reason.SERVICE_ERROR, "no")


async def back():
    """The service is there."""


async def away():
    raise Failure(OUTAGE, Reason.SERVICE_UNREACHABLE, "away")


def in_outage(streak: Streak) -> Streak:
    for number in range(LIMIT):
        streak.escalate(f"{number}", ERROR)
    return streak


def test_a_row_of_different_ones_is_an_outage_until_one_gets_further():
    streak = Streak()

    before = [streak.escalate(f"{number}", ERROR).kind for number in range(LIMIT + 1)]
    streak.end()

    assert [T] * (LIMIT - 1) + [OUTAGE] * 2 == before
    assert T is streak.escalate("after", ERROR).kind


def test_an_outage_charges_nobody_however_long_it_lasts():
    streak = in_outage(Streak())

    assert {OUTAGE} == {streak.escalate("head", ERROR).kind for _ in range(20 * LIMIT)}

    streak.end()  # another one got through

    assert T is streak.escalate("head", ERROR).kind


def test_a_long_outage_takes_no_more_and_more_memory():
    streak = in_outage(Streak())

    assert {OUTAGE} == {streak.escalate(f"{number}", ERROR).kind for number in range(1000)}
    assert LIMIT == sum(map(len, streak._failed.values()))


def test_one_that_was_under_way_before_the_first_failed_ends_nothing():
    before = monotonic()
    streak = in_outage(Streak())
    streak.end(before)

    assert OUTAGE is streak.escalate("next", ERROR).kind

    streak.end(monotonic())

    assert T is streak.escalate("next", ERROR).kind


@pytest.mark.parametrize(
    ("places", "probe", "expected"),
    [("ab", back, OUTAGE), ("a", back, T), ("a", away, OUTAGE), ("a", None, OUTAGE)],
)
async def test_one_recipients_trouble_is_no_outage(places, probe, expected):
    streak = Streak()

    kinds = [
        (await streak.weigh(f"{number}", ERROR, places[number % len(places)], probe)).kind for number in range(LIMIT)
    ]

    assert [T] * (LIMIT - 1) + [expected] == kinds
