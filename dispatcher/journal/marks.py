"""The messages that this process has in hand, each in a place of its file: two writes for one that is served.

The first says that it is in hand and worked on, the second that it was served and is not in hand any more. A place that
says so is taken again only when what it says is in the database: a thousand go there at once.
"""

import asyncio
from collections.abc import Callable, Collection
from time import monotonic
from typing import Protocol

from dispatcher.flow.journal import Hand
from dispatcher.journal.hands import Hands
from dispatcher.journal.places import FREE, HELD, WORKED, Place, bits, pack

MOST = 1000
"""So many places at most wait to be written to the database…"""

LONGEST = 1.0
"""…and for so many seconds, as long as something is sent: that is when somebody finds out that the folder is gone."""

REST = 0.1
"""A message that waits for so many seconds, at most twice as many, is not marked as worked on any more."""


class Marks:
    """What is in hand.

    Args:
        hands: the file.
        say: makes known what stands in a place; tells whether that is in a file now.

    """

    def __init__(self, hands: Hands, say: Callable[[int, bytes], bool]) -> None:
        self._hands = hands
        self._resting: dict[PlacedHand, float] = {}
        self._next_look = 0.0
        self._looks = 0
        self._left: set[int] = set()
        self.unwritten: dict[int, Place] = {}
        self.say = say

    def take(self) -> int:
        """Find a place that is free."""
        return self._hands.take()

    def leave(self, place: int) -> None:
        """Have no message in a place any more."""
        if place in self.unwritten:
            self._left.add(place)
        else:
            self._hands.free(place)

    def rest(self, hand: "PlacedHand") -> None:
        """Let a message be marked as not worked on before long, unless it is worked on again."""
        now = monotonic()
        self._resting[hand] = now
        if now > self._next_look:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                self._end(hand)
            else:
                self._watch(loop, now)

    def go_on(self, hand: "PlacedHand") -> None:
        """Leave the mark of a message as it is."""
        self._resting.pop(hand, None)

    def is_due(self, now: int | None) -> bool:
        """Tell whether it is time for the database: in milliseconds since 1970, or in any case."""
        if not self.unwritten:
            return False
        if now is None or len(self.unwritten) >= MOST:
            return True
        return abs(now - next(iter(self.unwritten.values())).at) > LONGEST * 1000

    def written(self) -> None:
        """Take note that all that was unwritten is kept elsewhere."""
        self.unwritten.clear()
        for place in self._left:
            self._hands.free(place)
        self._left.clear()

    def _watch(self, loop: asyncio.AbstractEventLoop, now: float) -> None:
        self._looks += 1
        self._next_look = now + REST
        loop.call_later(REST, self._look, loop, self._looks)

    def _look(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        if number != self._looks:  # it was late, and somebody else looks
            return
        now = monotonic()
        for hand in [hand for hand, since in self._resting.items() if since <= now - REST]:
            self._end(hand)
        if self._resting:
            self._watch(loop, now)

    def _end(self, hand: "PlacedHand") -> None:
        del self._resting[hand]
        hand.is_idle()


class Book(Protocol):
    """Where it is noted who was served."""

    def milliseconds(self) -> int:
        """Give the time since 1970."""

    def serve(self, key: bytes, slots: Collection[int], pieces: int = 0) -> None:
        """Note it at once."""

    def noted(self, number: int, place: Place, *, known: bool) -> None:
        """Take note of what a place says, and whether that is in a file."""


class PlacedHand(Hand):
    """One message in hand, with a place in the file.

    Args:
        key: the message.
        marks: where the places are.
        book: where it is noted who was served.

    """

    __slots__ = ("_at", "_book", "_depth", "_marks", "_number", "_served", "_state")

    def __init__(self, key: bytes, marks: Marks, book: Book) -> None:
        super().__init__(key)
        self._marks = marks
        self._book = book
        self._number = marks.take()
        self._at = self._served = self._depth = 0
        self._state = HELD | WORKED
        self._say()
        marks.rest(self)

    def work(self) -> None:
        """Mark it as worked on, unless it still is."""
        if not self._depth:
            self._marks.go_on(self)
            if not self._state & WORKED:
                self._state = HELD | WORKED
                self._say()
        self._depth += 1

    def rest(self) -> None:
        """Let the mark go before long."""
        self._depth -= 1
        if not self._depth and self._state & WORKED:
            self._marks.rest(self)

    def serve(self, slots: Collection[int], pieces: int = 0, *, last: bool = False) -> None:
        """Note who has it, in its place."""
        if last:
            self._marks.go_on(self)
            self._state = 0
        served = None if pieces else bits(slots)
        if served is None:
            self._book.serve(self.key, slots, pieces)
            if last:
                self._say()
            return
        self._served |= served
        self._at = self._book.milliseconds()
        known = self._say()
        self._book.noted(self._number, Place(self.key, self._at, self._served, self._state), known=known)

    def release(self) -> None:
        """Leave its place."""
        self._marks.go_on(self)
        if self._state:
            self._state = 0
            self._say()
        self._marks.leave(self._number)

    def is_idle(self) -> None:
        """Take the mark away that it is worked on: it has waited for a while."""
        self._state &= ~WORKED
        self._say()

    def _say(self) -> bool:
        is_free = not self._state and not self._served
        record = FREE if is_free else pack(self.key, self._at, self._served, self._state)
        return self._marks.say(self._number, record)


class LooseHand(Hand):
    """One message in hand, where there is no file.

    Args:
        key: the message.
        book: where it is noted who was served.

    """

    __slots__ = ("_book",)

    def __init__(self, key: bytes, book: Book) -> None:
        super().__init__(key)
        self._book = book

    def serve(self, slots: Collection[int], pieces: int = 0, *, last: bool = False) -> None:
        """Note who has it."""
        del last
        self._book.serve(self.key, slots, pieces)
