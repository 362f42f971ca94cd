"""Time and characters of one render.

A render runs on the event loop, where nothing can interrupt it from outside; so the compiled template asks by itself
at each turn of a loop, each call of a macro and each value it prints (`environment.py` puts the questions in).
"""

from collections.abc import Iterable, Mapping
from time import perf_counter

from jinja2 import Undefined

_BUFFERED = 4
"""What a macro prints is counted inside it and again where its result is printed: so many times the limit is let
through on the way. The finished text is measured once more, exactly."""

_FOLLOWED = (Mapping, list, tuple, set, frozenset, Undefined)


class RenderLimit(Exception):
    """The render was stopped: too long or too large. Its text says which, and the limit."""


class Meter:
    """Counts one render at a time; before the first it lets everything through."""

    def __init__(self, size_limit: int) -> None:
        self.size_limit = size_limit
        self._left = self._deadline = float("inf")
        self._seconds = 0.0

    def start(self, deadline: float, seconds: float) -> None:
        """Begin a render that must be over at `deadline` (of `perf_counter`); `seconds` is for the error's text."""
        self._deadline, self._seconds = deadline, seconds
        self._left = self.size_limit * _BUFFERED

    def tick(self) -> None:
        """Ask whether there is time left.

        Raises:
            RenderLimit: there is none.

        """
        if perf_counter() > self._deadline:
            raise RenderLimit(f"the render took longer than {self._seconds:g} seconds")

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
        if perf_counter() > self._deadline:
            self.tick()
        return value

    def check(self, size: int) -> None:
        """Refuse a single text, list or other value of this size.

        Raises:
            RenderLimit: it is over the limit.

        """
        if size > self.size_limit:
            raise self.too_large()

    def weigh(self, value: object) -> int:
        """Estimate how many characters `value` has when printed, without printing it.

        Raises:
            RenderLimit: more than may be printed.
            UndefinedError: it is a missing parameter.

        """
        if isinstance(value, int | float):
            return 1
        weight, waiting = 0, [value]
        while waiting:
            item = waiting.pop()
            children = _children(item)
            weight += len(item) if isinstance(item, str) else 1
            weight += len(children) + sum([len(child) for child in children if isinstance(child, str)])
            # One list many times over is no larger in memory than once: so stop before following all of it.
            if weight > self.size_limit * _BUFFERED:
                raise self.too_large()
            waiting += [child for child in children if isinstance(child, _FOLLOWED)]
        return weight

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


def _children(item: object) -> list[object]:
    if isinstance(item, Undefined):
        str(item)
    if isinstance(item, Mapping):
        return [*item.keys(), *item.values()]
    return list(item) if isinstance(item, list | tuple | set | frozenset) else []
