"""Buckets let through as much as their rate says: not more, and in the long run not less."""

from datetime import timedelta

import pytest

from dispatcher import buckets
from dispatcher.buckets import Bucket
from dispatcher.words.rates import Rate, parse_rate


@pytest.mark.parametrize("rate", ["9/s", "10/s", "11/s", "15/s", "19/s", "25/s", "29/s", "30/s", "99/m", "101/d"])
def test_a_bucket_lets_through_what_its_rate_says(rate: str, monkeypatch: pytest.MonkeyPatch):
    clock = 0
    monkeypatch.setattr(buckets, "_now", lambda: clock)
    parsed = parse_rate(rate)
    assert parsed is not None
    bucket = Bucket(parsed)
    period = parsed.period // timedelta(milliseconds=1)

    taken: list[int] = []
    while len(taken) < 5 * parsed.count:
        wait = bucket.take()
        if wait:
            clock += round(wait * 1000)
        else:
            taken.append(clock)

    assert max(sum(start <= time < start + period for time in taken) for start in taken) == parsed.count
    assert taken[-1] <= 5 * period * 1.03


@pytest.mark.parametrize("milliseconds", [1, 2, 9, 10, 11, 15, 99, 100, 1000, 1001, 86_400_000])
def test_there_is_a_bucket_for_every_rate(milliseconds: int):
    for count in [*range(1, 130), 999, 1001, 999_999]:
        assert Bucket(Rate(count, timedelta(milliseconds=milliseconds))).take() == 0
