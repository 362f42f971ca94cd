"""The ladder: how long a message waits between its attempts."""

from collections.abc import Iterable
from datetime import timedelta

from dispatcher.words.values import format_duration

STEPS = (timedelta(seconds=1), timedelta(seconds=3))
"""Short delays besides the rungs, to make up waits that are no failures."""

HOLD = timedelta(seconds=2)
"""So long a delivery may be held for; a longer wait goes through the broker."""

LONGEST_WAIT = timedelta(days=7)
"""The longest wait that is believed, whoever asks for it; who waits for longer looks again after that."""


class Ladder:
    """The delays between attempts, each one a **rung**: five rungs allow six attempts.

    Attributes:
        rungs: the delays between attempts, growing.
        delays: everything a message can wait on: the rungs, and short steps.

    >>> ladder = Ladder([timedelta(seconds=10), timedelta(minutes=1)])
    >>> ladder.after(attempt=1), ladder.after(attempt=3)
    (datetime.timedelta(seconds=10), None)

    """

    __slots__ = ("delays", "rungs")

    def __init__(self, rungs: Iterable[timedelta]) -> None:
        self.rungs = tuple(rungs)
        self.delays = tuple(sorted({*self.rungs, *STEPS}))
        if not self.rungs:
            raise ValueError("a ladder needs at least one rung")
        if list(self.rungs) != sorted(set(self.rungs)) or self.rungs[0] < timedelta(milliseconds=1):
            raise ValueError("the rungs of a ladder must grow, from a millisecond up")

    def __repr__(self) -> str:
        return f"Ladder({', '.join(map(format_duration, self.rungs))})"

    def after(self, attempt: int, wait: timedelta | None = None) -> timedelta | None:
        """Give the rung to wait on after this attempt has failed, or `None` when it was the last.

        Args:
            attempt: the attempt that failed, counted from 1.
            wait: the least time to wait, where one was asked for; the largest rung is the limit.

        """
        if attempt > len(self.rungs):
            return None
        rung = self.rungs[attempt - 1]
        return rung if wait is None else max(rung, self.at_least(wait))

    def at_least(self, wait: timedelta) -> timedelta:
        """Give the smallest rung that is not shorter than `wait`, or the largest one there is."""
        return next((rung for rung in self.rungs if rung >= wait), self.rungs[-1])

    def towards(self, wait: timedelta) -> timedelta:
        """Give the longest delay that is not longer than `wait`, or the shortest: several of them make any wait."""
        return max((delay for delay in self.delays if delay <= wait), default=self.delays[0])
