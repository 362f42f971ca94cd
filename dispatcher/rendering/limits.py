"""Time and characters of one render.

A render runs on the event loop, where nothing can interrupt it from outside; so the compiled template asks by itself
at each turn of a loop, each call of a macro and each value it prints (`codegen.py` puts the questions in).
"""

import re
from collections.abc import Iterable
from pathlib import Path
from resource import RUSAGE_SELF, getpagesize, getrusage
from time import perf_counter, thread_time

from markupsafe import escape

from dispatcher.rendering.weights import BUFFERED, RenderLimit, Scales

_MOST_GROWTH = 262_144
"""How much more memory the process may come to hold during a render that takes long, in kibibytes."""

_LONG = 0.1
"""From when on a render takes long, in seconds; what grows by then grows slowly enough."""

_SHORT = 200
"""Up to so many characters a text is printed without a call once it is known to be harmless."""

_is_special = re.compile("[&<>'\"]").search
"""What is written otherwise in HTML; most values hold none of it."""

_NUMBERS = {int, float}

_STATISTICS = Path("/proc/self/statm")
_PAGE = getpagesize() // 1024


class RenderMemory(RenderLimit):
    """The render was stopped because the process came to hold too much, which may have been somebody else's doing."""


class Meter(Scales):
    """Counts one render at a time; before the first it lets everything through.

    Attributes:
        size_limit: how many characters a text may have.
        harmless: short texts which this render has printed, and which are the same in every dialect.

    """

    def __init__(self, size_limit: int) -> None:
        super().__init__(size_limit)
        self.harmless: set[str] = set()
        self._left = self._deadline = float("inf")
        self._in_row = 0
        self._seconds = 0.0
        self._worked_before = 0.0
        self._held = 0
        self._looked = float("-inf")

    def start(self, deadline: float, seconds: float) -> None:
        """Begin a render that must be over at `deadline` (of `perf_counter`); `seconds` is for the error's text."""
        self._deadline, self._seconds = deadline, seconds
        self._left, self._in_row = self.size_limit * BUFFERED, 0
        now = perf_counter()
        self._watched_from = now + _LONG
        if now - self._looked > min(_LONG, seconds / 10):  # a look each would be a good part of what a render costs
            self._looked, self._worked_before, self._held = now, thread_time(), _memory()

    def forget(self) -> None:
        """Let go of what a render has put together."""
        super().forget()
        self.harmless.clear()

    def tick(self) -> None:
        """Ask whether there is time left, and memory.

        Raises:
            RenderLimit: there is none.

        """
        now = perf_counter()
        if now > self._deadline:
            # A machine that was asleep, or busy elsewhere, is nothing that the message has done.
            left = self._seconds - (thread_time() - self._worked_before)
            if left <= 0:
                raise RenderLimit(f"the render took longer than {self._seconds:g} seconds")
            self._deadline = now + left
        if now > self._watched_from:
            self._watched_from = now + _LONG / 10
            if _memory() - self._held > _MOST_GROWTH:
                raise RenderMemory(f"the render took more than {_MOST_GROWTH // 1024} MiB of memory")

    def count(self, value: object) -> object:
        """Take note of a value about to be printed, and give it back.

        Raises:
            RenderLimit: all of it together is too large, or it takes too long.

        """
        # Once for every value of every mail: what the other methods do, without the price of calling them.
        size = len(value) if isinstance(value, str) else self.weigh(value)
        self._left -= size
        if self._left < 0 or size > self.size_limit:
            raise self.too_large()
        if perf_counter() > self._watched_from:
            self.tick()
        return value

    def print_plain(self, value: object) -> str:
        """Give the text of a value about to be printed in a row.

        Raises:
            RenderLimit: as `count`.

        """
        if type(value) is str:
            self._take(value)
            return value
        self._note(value)
        return str(value)

    def print_html(self, value: object) -> str:
        """Give a value about to be printed in a row as HTML, where it is not that yet.

        Raises:
            RenderLimit: as `count`.

        """
        if type(value) is str:
            return value if self._take(value) else escape(value)
        self._note(value)
        # The text of a number holds nothing special, and escaping would be most of the work.
        return str(value) if type(value) in _NUMBERS else escape(value)

    def _take(self, text: str) -> bool:
        """Take note of a text; tell whether it is harmless."""
        self._note(text)
        harmless = _is_special(text) is None
        if harmless and len(text) <= _SHORT:
            self.harmless.add(text)
        return harmless

    def _note(self, value: object) -> None:
        """Take note of a value in a row. What is in the row is counted for good when it is put together."""
        size = len(value) if isinstance(value, str) else self.weigh(value)
        self._in_row += size
        if self._in_row > self._left or size > self.size_limit:
            raise self.too_large()
        if perf_counter() > self._watched_from:
            self.tick()

    def join(self, row: list[str]) -> str:
        """Put together what is printed in a row. It may be that of a macro which another row has just called.

        Raises:
            RenderLimit: as `count`.

        """
        text = "".join(row)
        self._in_row = max(0, self._in_row - len(text))
        self._left -= len(text)
        if self._left < 0:
            raise self.too_large()
        return text

    def concat(self, chunks: Iterable[str]) -> str:
        """Join what a template, a block or a macro has printed.

        Raises:
            RenderLimit: it is over the limit.

        """
        collected = list(chunks)
        self.check(sum(map(len, collected)))
        return "".join(collected)


def _memory() -> int:
    """Give how much memory the process holds, in kibibytes; the most it has held, where nobody tells more."""
    try:
        return int(_STATISTICS.read_bytes().split()[1]) * _PAGE
    except OSError:
        return getrusage(RUSAGE_SELF).ru_maxrss
