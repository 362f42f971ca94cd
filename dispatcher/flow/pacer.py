"""Who may be told next, when a service takes only so much.

Each destination has a line: who came first is served first, one at a time, as often as its rates allow. Who has to wait
longer than a delivery may be held for is sent round through the broker's delay queues, and keeps the place in the line.
All lines share what the service takes of us together, and stand still while it asks us to wait.

Lines are kept in memory: after a restart, who comes back first is first.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import timedelta
from time import monotonic

from dispatcher.buckets import Bucket
from dispatcher.flow.lines import Line, Place
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.rates import Destination, Rate
from dispatcher.words.retries import HOLD, LONGEST_WAIT

LONGEST = HOLD.total_seconds()
EARLY = LONGEST / 2
"""So many seconds before its turn a message is to come back: a turn that nobody takes is lost."""

PATIENCE = 2 * LONGEST
"""So many seconds a delivery waits while those before it are being sent."""

AGAIN = 0.25
"""After so many seconds it is looked again, where nobody can tell when."""

MOST_PLACES = 100_000
"""Places kept at most; who comes then is sent round without one."""

TIDIED = 30.0
"""After so many seconds, places that nobody came back for and lines that nobody needs are looked for."""

_AT_ONCE = nullcontext()
"""A turn where nobody has to wait for anything."""


class Pacer:
    """Gives turns.

    Args:
        rates: what the service takes of us together.

    """

    def __init__(self, rates: Iterable[Rate] = ()) -> None:
        self._shared = [Bucket(rate) for rate in rates]
        self._gate = asyncio.Lock()
        self._at_gate = 0
        self._lines: dict[str, Line] = {}
        self._places: dict[Hashable, list[Place]] = {}  # several for one: messages with the same id
        self._count = 0
        self._resume = 0.0
        self._tidy_at = 0.0

    def turn(self, who: Hashable, destinations: Sequence[Destination]) -> AbstractAsyncContextManager[None]:
        """Wait for a turn, and have it until the end of the block.

        Who leaves the block throttled, with a wait, keeps the place.

        Args:
            who: the same at every try of the same part of a message.
            destinations: whose lines it stands in.

        Raises:
            Failure: throttled, for as long as the wait is; the place is kept.

        """
        if not destinations and not self._shared and self._resume <= monotonic():
            return _AT_ONCE
        return self._turn(who, destinations)

    @asynccontextmanager
    async def _turn(self, who: Hashable, destinations: Sequence[Destination]) -> AsyncIterator[None]:
        place = self._place(who, destinations)
        try:
            await self._wait_for_turn(place)
            yield
        except Failure as failure:
            if failure.kind is not Kind.THROTTLED or failure.wait is None:
                self._leave(place)
                raise
            if failure.reason is not Reason.PACED:
                place.taken.clear()  # its turn was used
            place.await_return(failure.wait.total_seconds() + EARLY)
            raise
        except asyncio.CancelledError:
            place.await_return(0)  # it goes back to its queue, and comes again
            raise
        except BaseException:
            self._leave(place)
            raise
        self._leave(place)

    def pause(self, wait: timedelta) -> bool:
        """Let nobody have a turn for so long: the service asks for it. Tell whether that is news."""
        resume = monotonic() + min(wait, LONGEST_WAIT).total_seconds()
        is_news = resume > max(self._resume, monotonic()) + LONGEST
        self._resume = max(self._resume, resume)
        return is_news

    def owe(self, destinations: Sequence[Destination], count: int) -> None:
        """Count what a turn has used beyond its one message: who comes next waits for it."""
        own = (bucket for destination in destinations for bucket in self._line(destination).buckets)
        for bucket in [*self._shared, *own]:
            bucket.owe(count)

    def give_up(self, who: Hashable) -> None:
        """Let the place go that is kept for somebody who does not want a turn any more."""
        place = self._kept_for(who)
        if place is not None:
            self._leave(place)

    def _place(self, who: Hashable, destinations: Sequence[Destination]) -> Place:
        place = self._kept_for(who)
        if place is not None:
            place.in_hand = True
            return place
        self._tidy()
        lines = [self._line(destination) for destination in destinations]
        if self._count >= MOST_PLACES:
            raise _paced(max((_least(line.buckets, len(line)) for line in lines), default=0), lines)
        place = Place(who, lines)
        self._places.setdefault(who, []).append(place)
        self._count += 1
        return place

    def _kept_for(self, who: Hashable) -> Place | None:
        """Find the place that somebody left to come back to; of several with the same id, the first."""
        return next((place for place in self._places.get(who, ()) if not place.in_hand), None)

    def _line(self, destination: Destination) -> Line:
        line = self._lines.get(destination.name)
        if line is None:
            line = self._lines[destination.name] = Line(destination)
        return line

    def _tidy(self) -> None:
        """Forget, now and then, who has not come back (purged, expired, taken by another daemon), and idle lines."""
        if monotonic() < self._tidy_at:
            return
        self._tidy_at = monotonic() + TIDIED
        for place in [place for places in self._places.values() for place in places if place.lost]:
            self._leave(place)
        self._lines = {name: line for name, line in self._lines.items() if not line.idle}

    def _leave(self, place: Place) -> None:
        namesakes = self._places[place.who]
        namesakes.remove(place)
        if not namesakes:
            del self._places[place.who]
        self._count -= 1
        place.leave()

    async def _wait_for_turn(self, place: Place) -> None:
        patience = monotonic() + PATIENCE
        while True:
            wait = self._wait(place)
            if wait > LONGEST or (wait > 0 and monotonic() > patience):
                raise _paced(wait, place.lines)
            if wait > 0:
                place.called.clear()  # what it was called for has been looked at
                await _until(place.called, wait)
            else:
                await self._pass_gate(place)
                if self._resume <= monotonic():
                    return

    def _wait(self, place: Place) -> float:
        """Give after how many seconds to ask again; nothing (0) when all its lines let it through."""
        pause = self._resume - monotonic()
        if pause > 0:
            return pause
        return max((self._wait_in(line, place) for line in place.lines), default=0)

    def _wait_in(self, line: Line, place: Place) -> float:
        while line.oldest.lost:
            self._leave(line.oldest)
        first = line.first
        if first is place or first is None:
            return max(map(place.take, line.buckets), default=0)
        absent = 0 if first.in_hand else first.due - monotonic()
        return max(absent + _least(line.buckets, line.between(first, place)), AGAIN)

    async def _pass_gate(self, place: Place) -> None:
        """Take from what the service takes of us together, one after the other."""
        ahead = _least(self._shared, self._at_gate)
        if ahead > LONGEST:
            raise _paced(ahead, ())
        self._at_gate += 1
        try:
            async with self._gate:
                for bucket in self._shared:
                    while wait := place.take(bucket):
                        if wait > LONGEST:
                            raise _paced(wait, ())
                        await asyncio.sleep(wait)
        finally:
            self._at_gate -= 1


def _least(buckets: Iterable[Bucket], ahead: int) -> float:
    """Give the least time, in seconds, until so many have been let through."""
    return max((bucket.wait_for(ahead) for bucket in buckets), default=0)


def _paced(wait: float, lines: Iterable[Line]) -> Failure:
    named = ", ".join(f"{line.destination}" for line in lines)
    text = f"{named or 'the service'}: its turn comes in about {wait:.0f} s"
    told = min(max(wait - EARLY, AGAIN), LONGEST_WAIT.total_seconds())
    return Failure(Kind.THROTTLED, Reason.PACED, text, wait=timedelta(seconds=told))


async def _until(called: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await called.wait()
    except TimeoutError:
        return
