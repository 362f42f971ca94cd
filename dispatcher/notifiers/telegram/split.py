"""A text that is too long for one message, in pieces: cut where it hurts least.

Best between paragraphs, then between lines, sentences, words, and only then anywhere; never inside a link or an emoji
that fits into a piece. White space at a cut is left out, but not what indents the next line.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator

from dispatcher.notifiers.telegram.markup import Element, Run, Runs, is_blank, units, visible, write_html

LARGEST_SOURCE = 1 << 15
"""Bytes of UTF-8 that a text may have with all its marks: the server looks no further."""

_SAFE = (
    re.compile(r"\n[^\S\n]*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…])\s|(?<=[。！？])"),  # noqa: RUF001 - in Chinese and Japanese no space follows
    re.compile(r"\s"),
)
_GAP = re.compile(r"\s*")
_JOINERS = frozenset("\u200d\ufe0e\ufe0f\u2060")
_LONGEST_SIGN = 32
"""So many code points, at most, are kept together because they are one sign to the reader."""


def split(runs: Runs, limit: int) -> Iterator[list[Run]]:
    """Cut a text into pieces of at most `limit` UTF-16 units each, none of them blank."""
    text = visible(runs)
    firsts, lasts = _uncut(runs)
    at = 0
    while at < len(text):
        room = limit
        while True:
            cut, following = _next(text, at, room, (firsts, lasts))
            piece = _between(runs, at, cut)
            if room == 1 or len(write_html(piece).encode()) <= LARGEST_SOURCE:
                break
            room //= 2
        if not is_blank(text[at:cut]):
            yield piece
        at = following


def _next(text: str, at: int, room: int, uncut: tuple[list[int], list[int]]) -> tuple[int, int]:
    """Give where the piece that begins here ends, and where the one after it begins."""
    furthest = at + len(text[at : at + room].encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore"))
    furthest = max(furthest, at + 1)
    if furthest >= len(text):
        return len(text), len(text)
    cut = _place(text, at, furthest, uncut)
    cut = at + len(text[at:cut].rstrip())
    gap = _GAP.match(text, cut)
    following = gap.end() if gap else cut
    line = text.rfind("\n", cut, following)
    return cut, line + 1 if line >= 0 else following


def _place(text: str, at: int, furthest: int, uncut: tuple[list[int], list[int]]) -> int:
    half = at + (furthest - at) // 2
    for pattern in _SAFE:
        least = at + 1 if pattern is _SAFE[-1] else half
        places = [found.start() for found in pattern.finditer(text, least, furthest + 2)]
        for place in reversed(places):
            if place <= furthest and _inside(place, uncut) is None:
                return place
    first = _inside(furthest, uncut)
    if first is not None and first > at:
        return first
    return _between_signs(text, at, furthest)


def _between_signs(text: str, at: int, furthest: int) -> int:
    """Go back to where one sign ends and another begins: an accent and a joiner belong to what is before them."""
    for place in range(furthest, max(at, furthest - _LONGEST_SIGN), -1):
        sign = text[place]
        if not unicodedata.combining(sign) and sign not in _JOINERS and text[place - 1] != "\u200d":
            return place
    return furthest


def _uncut(runs: Runs) -> tuple[list[int], list[int]]:
    """Give where the elements begin and end that are not to be cut."""
    firsts: list[int] = []
    lasts: list[int] = []
    at, before = 0, None
    for run in runs:
        outer: Element | None = next((element for element in run.inside if element.whole), None)
        if outer is not None and outer is before:
            lasts[-1] += len(run.text)
        elif outer is not None:
            firsts.append(at)
            lasts.append(at + len(run.text))
        at, before = at + len(run.text), outer
    return firsts, lasts


def _inside(place: int, uncut: tuple[list[int], list[int]]) -> int | None:
    """Give where the element begins that a cut would go through, if any."""
    firsts, lasts = uncut
    at = bisect_left(firsts, place) - 1
    return firsts[at] if at >= 0 and firsts[at] < place < lasts[at] else None


def _between(runs: Runs, begin: int, end: int) -> list[Run]:
    piece, at = [], 0
    for run in runs:
        text = run.text[max(begin - at, 0) : max(end - at, 0)]
        if text:
            piece.append(Run(text, run.inside))
        at += len(run.text)
    return piece


def fits(source: str, runs: Runs, limit: int) -> bool:
    """Tell whether a text goes out as it is."""
    return units(visible(runs)) <= limit and len(source.encode()) <= LARGEST_SOURCE
