"""Time and characters of one render.

A render runs on the event loop, where nothing can interrupt it from outside; so the compiled template asks by itself
at each turn of a loop, each call of a macro and each value it prints (`environment.py` puts the questions in).
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from resource import RUSAGE_SELF, getpagesize, getrusage
from time import perf_counter, thread_time
from typing import TypeVar

from jinja2 import Undefined
from markupsafe import escape

_BUFFERED = 4
"""What a macro prints is counted inside it and again where its result is printed: so many times the limit is let
through on the way. The finished text is measured once more, exactly."""

_MOST_GROWTH = 262_144
"""How much more memory the process may come to hold during a render that takes long, in kibibytes."""

_LONG = 0.1
"""From when on a render takes long, in seconds; what grows by then grows slowly enough."""

_LIGHT = 1_000
"""What holds no more than this is weighed anew each time."""

_is_special = re.compile("[&<>'\"]").search
"""What is written otherwise in HTML; most values hold none of it."""

_STATISTICS = Path("/proc/self/statm")
_PAGE = getpagesize() // 1024

_CONTAINERS = (list, tuple, dict, set, frozenset, Mapping)
_FOLLOWED = (*_CONTAINERS, Undefined)

Container = TypeVar("Container")


class RenderLimit(Exception):
    """The render was stopped: too long or too large. Its text says which, and the limit."""


class RenderMemory(RenderLimit):
    """The render was stopped because the process came to hold too much, which may have been somebody else's doing."""


class Meter:
    """Counts one render at a time; before the first it lets everything through."""

    def __init__(self, size_limit: int) -> None:
        self.size_limit = size_limit
        self._left = self._deadline = float("inf")
        self._seconds = 0.0
        self._worked_before = 0.0
        self._watched_from, self._held = float("inf"), 0
        self._looked = float("-inf")
        self._heavy: dict[int, tuple[object, int]] = {}

    def start(self, deadline: float, seconds: float) -> None:
        """Begin a render that must be over at `deadline` (of `perf_counter`); `seconds` is for the error's text."""
        self._deadline, self._seconds = deadline, seconds
        self._left = self.size_limit * _BUFFERED
        now = perf_counter()
        self._watched_from = now + _LONG
        if now - self._looked > min(_LONG, seconds / 10):  # a look each would be a good part of what a render costs
            self._looked, self._worked_before, self._held = now, thread_time(), _memory()

    def forget(self) -> None:
        """Let go of what a render has put together."""
        self._heavy.clear()

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
        """Take note of a value about to be printed, and give its text.

        Raises:
            RenderLimit: as `count`.

        """
        if type(value) is not str:
            return str(self.count(value))
        size = len(value)
        self._left -= size
        if self._left < 0 or size > self.size_limit:
            raise self.too_large()
        if perf_counter() > self._watched_from:
            self.tick()
        return value

    def print_html(self, value: object) -> str:
        """Take note of a value about to be printed, and give it as HTML, where it is not that yet.

        Raises:
            RenderLimit: as `count`.

        """
        if type(value) is not str:
            return escape(self.count(value))
        # Not by calling what does the same for texts: that would cost as much as all of this.
        size = len(value)
        self._left -= size
        if self._left < 0 or size > self.size_limit:
            raise self.too_large()
        if perf_counter() > self._watched_from:
            self.tick()
        return value if _is_special(value) is None else escape(value)

    def check(self, size: int) -> None:
        """Refuse a single text, list or other value of this size.

        Raises:
            RenderLimit: it is over the limit.

        """
        if size > self.size_limit:
            raise self.too_large()

    def weigh(self, value: object, *, printed: bool = True) -> int:
        """Estimate how many characters `value` has when printed, without printing it.

        Args:
            value: anything.
            printed: whether it is about to be, so that nothing in it may be missing.

        Raises:
            RenderLimit: more than may be printed.
            UndefinedError: it is a missing parameter.

        """
        if isinstance(value, int | float):
            return 1
        weight, waiting = 0, [value]
        while waiting:
            item = waiting.pop()
            if printed and isinstance(item, Undefined):
                str(item)
            children = _children(item)
            weight += len(item) if isinstance(item, str) else 1
            weight += len(children) + sum([len(child) for child in children if isinstance(child, str)])
            # One list many times over is no larger in memory than once: so stop before following all of it.
            if weight > self.size_limit * _BUFFERED:
                raise self.too_large()
            waiting += [child for child in children if isinstance(child, _FOLLOWED)]
            if perf_counter() > self._watched_from:
                self.tick()
        return weight

    def built(self, value: Container) -> Container:
        """Take note of a list, tuple or object that a template puts together, and give it back.

        One that holds another twice is no larger in memory, but comparing, hashing or printing it takes twice as long,
        in one step that no meter could stop; sixty times twice is for ever.

        Raises:
            RenderLimit: it has too much in it.

        """
        children = _children(value)
        # Texts and numbers first: it is dear to find out that they are no mapping.
        inner = [child for child in children if not isinstance(child, str | int) and isinstance(child, _CONTAINERS)]
        if inner:
            weight = 1 + sum([self._weight(child) for child in inner])
            if weight > self.size_limit * _BUFFERED:
                raise self.too_large()
            if weight > _LIGHT:
                self._heavy[id(value)] = (value, weight)  # the value too, so that no other gets its id
        return value

    def _weight(self, value: object) -> int:
        known = self._heavy.get(id(value))
        return known[1] if known else self.weigh(value, printed=False)

    def too_large(self) -> RenderLimit:
        """Give the exception for what is larger than the limit."""
        return RenderLimit(f"the text is longer than {self.size_limit:,} characters")

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


def _children(item: object) -> list[object]:
    if isinstance(item, list | tuple):
        return list(item)
    if isinstance(item, Mapping):
        return [*item.keys(), *item.values()]
    return list(item) if isinstance(item, set | frozenset) else []
