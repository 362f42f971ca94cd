"""The small values."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dispatcher.words.messages import Message
from dispatcher.words.retries import Ladder
from dispatcher.words.sections import Duration, Section, Wait
from dispatcher.words.values import decode_slots, encode_all_but, encode_slots, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("10s", 10), ("1m", 60), ("1h30m", 5_400), ("500ms", 0.5), ("2d", 172_800), ("1m 5s", 65), ("0s", 0)],
        *[(3, 3), (0.25, 0.25), (0, 0), ("5", 5), ("0.5", 0.5), (".5", 0.5), (" 10 ", 10)],
        (timedelta(seconds=7), 7),
    ],
)
def test_a_duration_is_read(text, seconds):
    assert timedelta(seconds=seconds) == parse_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        *["", ".", "s", "1 week", "1.5h", "1e3", "5.", "10s junk", "٣", True, None, [10]],
        *["-1s", "-1", -1, -0.5, timedelta(seconds=-1)],
        *[".inf", "inf", "nan", float("inf"), float("-inf"), float("nan")],
        *["99999999999999d", "9" * 5_000, "9" * 5_000 + "d", 10**20, 1e300],
    ],
    ids=lambda text: f"{text!r:.20}",
)
def test_what_is_no_duration_is_said_with_what_would_be(text):
    with pytest.raises(ValueError, match="is no duration; write it like 10s, 1m, 1h30m or 500ms"):
        parse_duration(text)


def test_a_wait_is_longer_than_nothing_and_a_duration_need_not_be():
    class Times(Section):
        patience: Wait = timedelta(seconds=1)
        pause: Duration = timedelta(0)

    assert timedelta(milliseconds=1) == Times(patience="1ms").patience
    with pytest.raises(ValidationError, match="must be longer than nothing"):
        Times(patience="0")


@pytest.mark.parametrize(
    ("seconds", "text"), [(10, "10s"), (60, "1m"), (90, "90s"), (21_600, "6h"), (0.2, "200ms"), (172_800, "48h")]
)
def test_a_duration_is_written_with_the_largest_exact_unit(seconds, text):
    assert text == format_duration(timedelta(seconds=seconds))


@given(st.integers(1, 10**9))
def test_a_written_duration_reads_the_same(number):
    duration = timedelta(milliseconds=number)

    assert duration == parse_duration(format_duration(duration))


@given(st.frozensets(st.integers(0, 10_000), max_size=50))
def test_slots_survive_being_written(slots):
    assert slots == decode_slots(encode_slots(slots))


@given(st.integers(1, 300).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1)))))
def test_all_but_some_slots_are_written_too(count_and_slots):
    count, slots = count_and_slots

    assert set(range(count)) - slots == decode_slots(encode_all_but(slots, count))


@pytest.mark.parametrize("nonsense", [None, 5, "no base64!", b"AA==", "ä", []])
def test_nonsense_for_slots_means_that_nobody_was_served(nonsense):
    assert frozenset() == decode_slots(nonsense)


@pytest.mark.parametrize("nonsense", ["two", -1, 2.5, True, None, 1 << 40, []])
def test_nonsense_for_an_attempt_means_the_first(nonsense):
    assert 1 == Message(body=b"", id="m", headers={"dispatcher-attempt": nonsense}).attempt


@pytest.mark.parametrize("nonsense", ["now", True, 1 << 62, -(1 << 62), 1.5])
def test_nonsense_for_a_time_means_none(nonsense):
    assert Message(body=b"", id="m", headers={"dispatcher-not-before": nonsense}).not_before is None


@pytest.mark.parametrize("rungs", [[], [0], [10, 10], [10, 5], [0.0001]])
def test_a_ladder_grows(rungs):
    with pytest.raises(ValueError, match="ladder"):
        Ladder(map(timedelta, [0] * len(rungs), rungs))


def test_a_ladder_shows_itself():
    assert "Ladder(10s, 1m)" == repr(Ladder([timedelta(seconds=10), timedelta(minutes=1)]))
