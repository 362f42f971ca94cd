"""How much a service takes, and of whom we would have to wait."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from dispatcher.words.values import format_duration, parse_duration

_RATE = re.compile(r"\s*(\d{1,6})\s*/\s*(\d*)\s*(ms|s|m|h|d)\s*", re.ASCII)
_NONE = {"none", "unlimited"}


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` messages in any span of time as long as `period`."""

    count: int
    period: timedelta

    def __str__(self) -> str:
        written = format_duration(self.period)
        return f"{self.count}/{written[1:] if written in {'1s', '1m', '1h'} else written}"


@dataclass(frozen=True, slots=True)
class Destination:
    """Whom a service takes only so much for.

    Attributes:
        name: the same for all that counts together: `chat 4711`, `domain example.org`.
        rates: all of them hold.

    """

    name: str
    rates: tuple[Rate, ...]

    def __str__(self) -> str:
        return f"{self.name} takes {' and '.join(map(str, self.rates))}"


def parse_rate(text: Any) -> Rate | None:
    """Read `30/s`, `20/m`, `1/10s`; `none` means as many as there are.

    Raises:
        ValueError: it is none of these.

    """
    if text is None or isinstance(text, Rate):
        return text
    if isinstance(text, str):
        if text.strip().lower() in _NONE:
            return None
        found = _RATE.fullmatch(text)
        if found and int(found[1]) and found[2] != "0":
            return Rate(int(found[1]), parse_duration(f"{found[2] or 1}{found[3]}"))
    raise ValueError(f"{text!r:.60} is no rate; write it like 30/s, 20/m or 1/10s, or none")


def _written(rate: Rate | None) -> str:
    return "none" if rate is None else str(rate)


Pace = Annotated[Rate | None, BeforeValidator(parse_rate), PlainSerializer(_written)]
"""A rate in the settings, written `30/s`; `none` for no limit."""
