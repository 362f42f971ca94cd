"""How often something may happen, counted exactly: a bucket for each rate, with pyrate-limiter.

It is no adapter to anything outside, and the flow needs it: so it lies below both, and the library ends in it.
"""

from datetime import timedelta
from time import monotonic

from pyrate_limiter import InMemoryBucket, RateItem
from pyrate_limiter import Rate as Limit
from pyrate_limiter.abstracts import Decision

from dispatcher.words.rates import Rate

_MANY = 10
"""From so many in its period on, a rate holds for a tenth of the period too: no service likes them all at once."""


class Bucket:
    """Lets through what a rate allows, in any span of time as long as its period.

    Args:
        rate: how much.

    """

    __slots__ = ("_bucket", "_period", "_until", "rate")

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._period = _milliseconds(rate.period)
        limits = [Limit(rate.count, self._period)]
        if rate.count >= _MANY and self._period >= _MANY:
            limits.insert(0, Limit(-(-rate.count // _MANY), self._period // _MANY))  # rounded up: not less than asked
        self._bucket = InMemoryBucket(limits)
        self._until = 0

    def take(self) -> float:
        """Take a place, where there is one.

        Returns:
            nothing (0) where it was taken; otherwise after how many seconds to ask again.

        """
        now = _now()
        self._bucket.leak(now)
        decision = self._put(now)
        if decision.allowed:
            self._until = now + self._period
            return 0.0
        return max(decision.retry_after_ms or 0, 1) / 1000

    def owe(self, count: int) -> None:
        """Take places that were used without asking; who comes next waits for them."""
        at = _now()
        for _ in range(count):
            while not (decision := self._put(at)).allowed:
                at += max(decision.retry_after_ms or 0, 1)
        self._until = at + self._period

    def _put(self, at: int) -> Decision:
        decision = self._bucket.put_decision(RateItem("", at))
        assert isinstance(decision, Decision)  # noqa: S101 - a bucket in memory never asks to be awaited
        return decision

    def wait_for(self, place: int) -> float:
        """Give the least time until that many have been let through before, in seconds."""
        return place // self.rate.count * self._period / 1000

    @property
    def idle(self) -> bool:
        """Whether it can be forgotten: it would let through as much as a new one."""
        return _now() >= self._until


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _now() -> int:
    return round(monotonic() * 1000)
