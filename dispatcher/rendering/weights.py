"""How large a value would be when printed, found out without printing it."""

from collections.abc import Mapping
from time import perf_counter
from typing import TypeVar

from jinja2 import Undefined

BUFFERED = 4
"""What a macro prints is counted inside it and again where its result is printed: so many times the limit is let
through on the way. The finished text is measured once more, exactly."""

_LIGHT = 1_000
"""What holds no more than this is weighed anew each time."""

_CONTAINERS = (list, tuple, dict, set, frozenset, Mapping)
_FOLLOWED = (*_CONTAINERS, Undefined)

Container = TypeVar("Container")


class RenderLimit(Exception):
    """The render was stopped: too long or too large. Its text says which, and the limit."""


class Scales:
    """Weighs values, and asks now and then whether it may go on.

    Args:
        size_limit: how many characters a text may have.

    """

    def __init__(self, size_limit: int) -> None:
        self.size_limit = size_limit
        self._watched_from = float("inf")  # from when on it asks, by `perf_counter`
        self._heavy: dict[int, tuple[object, int]] = {}

    def tick(self) -> None:
        """Ask; raises where it may not."""

    def forget(self) -> None:
        """Let go of what was weighed."""
        self._heavy.clear()

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
            if weight > self.size_limit * BUFFERED:
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
            if weight > self.size_limit * BUFFERED:
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


def _children(item: object) -> list[object]:
    if isinstance(item, list | tuple):
        return list(item)
    if isinstance(item, Mapping):
        return [*item.keys(), *item.values()]
    return list(item) if isinstance(item, set | frozenset) else []
