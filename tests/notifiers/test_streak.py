"""When failures in a row are an outage, and when they are the trouble of one."""

import pytest

from dispatcher.notifiers.streak import LIMIT, MOST, Streak
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


def test_one_that_fails_for_ever_does_not_stop_the_queue_when_the_service_is_back():
    streak = in_outage(Streak())

    kinds = [streak.escalate("head", ERROR).kind for _ in range(2 * LIMIT + 2)]

    assert ([OUTAGE] * LIMIT + [T]) * 2 == kinds


def test_what_would_be_final_is_tried_again_then():
    streak = Streak("conversations", 2)
    refused = Failure(Kind.RECIPIENT, Reason.NO_RIGHTS, "no")

    kinds = [streak.escalate(who, refused).kind for who in ["C1", "C2", "C2", "C2"]]

    assert [Kind.RECIPIENT, OUTAGE, OUTAGE, T] == kinds


def test_a_long_outage_takes_no_more_and_more_memory():
    streak = in_outage(Streak())

    assert {OUTAGE} == {streak.escalate(f"{number}", ERROR).kind for number in range(2 * MOST)}
    assert len(streak._outages) <= MOST


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
