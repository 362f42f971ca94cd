"""Lines of those who wait for a destination that takes only so much."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from time import monotonic

from dispatcher.buckets import Bucket
from dispatcher.words.rates import Destination

LATE = 3.0
"""After so many seconds, who does not come back for its turn is passed over: another daemon may have it now."""

OVERDUE = 30.0
"""After so many seconds it loses its place: the message was purged, or expired, or another daemon has it."""


class Place:
    """The place of one part of a message in the lines of its destinations.

    Attributes:
        who: the same at every try of the same part.
        lines: where it stands.
        taken: the buckets that have let it through.
        in_hand: whether its delivery is here; otherwise it waits in the broker.
        due: when it is expected back, by `monotonic`.
        called: set when it may be the first.

    """

    __slots__ = ("called", "due", "in_hand", "lines", "taken", "who")

    def __init__(self, who: Hashable, lines: Sequence["Line"]) -> None:
        self.who = who
        self.lines = lines
        self.taken: set[Bucket] = set()
        self.in_hand = True
        self.due = 0.0
        self.called = asyncio.Event()
        for line in lines:
            line.join(self)

    def leave(self) -> None:
        """Give the place up."""
        for line in self.lines:
            line.release(self)

    def await_return(self, wait: float) -> None:
        """Keep the place while the delivery is given away for so many seconds."""
        self.in_hand = False
        self.due = monotonic() + wait
        self.called.clear()

    @property
    def late(self) -> bool:
        """Whether it is not here for its turn."""
        return not self.in_hand and monotonic() > self.due + LATE

    @property
    def lost(self) -> bool:
        """Whether it did not come back for its turn."""
        return not self.in_hand and monotonic() > self.due + OVERDUE

    def take(self, bucket: Bucket) -> float:
        """Let a bucket let it through, once; give after how many seconds to ask again, or nothing (0)."""
        if bucket in self.taken:
            return 0.0
        wait = bucket.take()
        if not wait:
            self.taken.add(bucket)
        return wait


class Line:
    """Those who wait for one destination, in their order, and how often it takes something."""

    __slots__ = ("_last", "_places", "buckets", "destination")

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.buckets = [Bucket(rate) for rate in destination.rates]
        self._places: OrderedDict[Place, int] = OrderedDict()
        self._last = 0

    def __len__(self) -> int:
        return len(self._places)

    @property
    def oldest(self) -> Place:
        """Who has stood here for longest."""
        return next(iter(self._places))

    @property
    def first(self) -> Place | None:
        """Whose turn it is next: who is late is passed over."""
        return next((place for place in self._places if not place.late), None)

    @property
    def idle(self) -> bool:
        """Whether it can be forgotten."""
        return not self._places and all(bucket.idle for bucket in self.buckets)

    def join(self, place: Place) -> None:
        """Let somebody stand at the end."""
        self._last += 1
        self._places[place] = self._last

    def release(self, place: Place) -> None:
        """Let somebody go, and tell who is the first now."""
        self._places.pop(place, None)
        first = self.first
        if first is not None:
            first.called.set()

    def between(self, first: Place, place: Place) -> int:
        """Give how many stand before somebody, from the first on; who has left from the middle may still be counted."""
        return self._places[place] - self._places[first]
