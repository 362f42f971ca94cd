"""Rates as they are written in the settings."""

from datetime import timedelta

import pytest

from dispatcher.words.rates import Rate, parse_rate


@pytest.mark.parametrize(
    ("text", "rate", "written"),
    [
        ("30/s", Rate(30, timedelta(seconds=1)), "30/s"),
        (" 20 / m ", Rate(20, timedelta(minutes=1)), "20/m"),
        ("1/10s", Rate(1, timedelta(seconds=10)), "1/10s"),
        ("5/1h", Rate(5, timedelta(hours=1)), "5/h"),
        ("3/100ms", Rate(3, timedelta(milliseconds=100)), "3/100ms"),
        ("2/d", Rate(2, timedelta(days=1)), "2/24h"),
    ],
)
def test_a_rate_is_read_and_written(text: str, rate: Rate, written: str):
    assert rate == parse_rate(text)
    assert written == str(rate)
    assert rate == parse_rate(written)


@pytest.mark.parametrize("text", ["none", "None", " unlimited ", None])
def test_there_may_be_none(text: str | None):
    assert parse_rate(text) is None


@pytest.mark.parametrize("text", ["", "0/s", "1/0s", "-1/s", "1.5/s", "30", 30, True, "a/s", "1/s/s", "9999999/s", []])
def test_what_is_no_rate_is_refused_with_what_would_be(text: object):
    with pytest.raises(ValueError, match=r"is no rate; write it like 30/s, 20/m or 1/10s, or none"):
        parse_rate(text)
