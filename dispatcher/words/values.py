"""Small values with one spelling: durations, lists, and the slots of recipients already served."""

import base64
import binascii
import re
from collections.abc import Collection, Iterable
from datetime import timedelta

UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"\s*(?:(\d+)\s*(ms|s|m|h|d)\s*)+", re.ASCII)
_DURATION_PART = re.compile(r"(\d+)\s*(ms|s|m|h|d)", re.ASCII)
_SECONDS = re.compile(r"\s*\d*\.?\d+\s*", re.ASCII)


def parse_duration(text: str | float | timedelta) -> timedelta:
    """Read `10s`, `1m`, `1h30m`, `500ms`, `2d`, or a number of seconds, written as text or not.

    Raises:
        ValueError: it is none of these, less than nothing, or more than can be counted; the text says what would be.

    """
    try:
        duration = _read_duration(text)
    except (OverflowError, ValueError):  # not a number, infinite, or too many digits
        duration = None
    if duration is None or duration < timedelta(0):
        raise ValueError(f"{text!r:.60} is no duration; write it like 10s, 1m, 1h30m or 500ms")
    return duration


def split_list(value: object) -> object:
    """Take `10s, 1m` or `["10s", "1m"]`, as an environment variable holds them, for a list; leave all else as it is."""
    if not isinstance(value, str):
        return value
    inner = value.strip(" []")
    return [one.strip(' "') for one in inner.split(",")] if inner else []


def _read_duration(text: object) -> timedelta | None:
    match text:
        case timedelta():
            return text
        case int() | float() if not isinstance(text, bool):
            return timedelta(seconds=text)
        case str() if _SECONDS.fullmatch(text):
            return timedelta(seconds=float(text))
        case str() if _DURATION.fullmatch(text):
            parts = _DURATION_PART.findall(text)
            return timedelta(milliseconds=sum(int(number) * UNITS[unit] for number, unit in parts))
        case _:
            return None


def format_duration(duration: timedelta) -> str:
    """Write a duration with the largest unit that needs no fraction: `90s`, `1m`, `6h`.

    This spelling is part of the names of the delay queues, so it must never change. Hours are the largest unit.
    """
    milliseconds = duration // timedelta(milliseconds=1)
    for unit in ("h", "m", "s"):
        if milliseconds and milliseconds % UNITS[unit] == 0:
            return f"{milliseconds // UNITS[unit]}{unit}"
    return f"{milliseconds}ms"


def encode_slots(slots: Collection[int]) -> str:
    """Write a set of recipients' slots as a base64 bitmap: 10,000 recipients take 1.7 kB of header."""
    bitmap = bytearray(max(slots, default=-1) // 8 + 1)
    for slot in slots:
        bitmap[slot // 8] |= 1 << slot % 8
    return base64.b64encode(bitmap).decode("ascii")


def encode_all_but(slots: Iterable[int], count: int) -> str:
    """Write the set of the first `count` slots without these."""
    bitmap = bytearray(b"\xff" * (count // 8) + bytes([(1 << count % 8) - 1]))
    for slot in slots:
        bitmap[slot // 8] &= ~(1 << slot % 8)
    return base64.b64encode(bitmap.rstrip(b"\0")).decode("ascii")


def decode_slots(text: object) -> frozenset[int]:
    """Read what the two above wrote; what is no such bitmap means that nobody was served yet."""
    if not isinstance(text, str):
        return frozenset()
    try:
        bitmap = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return frozenset()
    return frozenset(at * 8 + bit for at, byte in enumerate(bitmap) if byte for bit in range(8) if byte >> bit & 1)
