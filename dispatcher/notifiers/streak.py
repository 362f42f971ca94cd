"""Several in a row: when what looks like the fault of single messages is the service's or the deployment's.

Busy, out of storage, an error of the service's own, the sender of the settings not allowed: once, it concerns one
message; one after the other with none that gets further in between, it concerns all of them, and the queue had better
pause than spend their attempts. Messages are told apart, so that one that always fails does not stop the others. Where
all of them were for one recipient, only a probe can tell his trouble from everybody's.
"""

from collections.abc import Awaitable, Callable
from time import monotonic

from dispatcher.words.errors import Failure, Kind, Reason

LIMIT = 5
"""So many different ones in a row make an outage."""

Probe = Callable[[], Awaitable[object]]
"""Asks the service for something that has to do with no recipient; raises `Failure` when it does not answer."""


class Streak:
    """Counts, for each reason, the different ones that failed for it since one got further.

    Args:
        of: what is counted, for the text: mails, messages, conversations.
        limit: so many make an outage.

    """

    def __init__(self, of: str = "mails", limit: int = LIMIT) -> None:
        self._of = of
        self._limit = limit
        self._failed: dict[Reason, set[str]] = {}
        self._places: dict[Reason, set[str]] = {}
        self._since = 0.0

    def end(self, began: float | None = None) -> None:
        """Begin again: one got further (a mail past its sender), even if it was refused then.

        Args:
            began: when it did, by `monotonic`: one that was on its way before the first of the streak failed may have
                got past the point where that was refused. Without it, it counts in any case.

        """
        if began is not None and self._failed and began < self._since:
            return
        self._failed.clear()
        self._places.clear()

    def escalate(self, who: str, failure: Failure) -> Failure:
        """Count a failure of one of them; give it back, or the outage that it shows."""
        if not self._failed:
            self._since = monotonic()
        failed = self._failed.setdefault(failure.reason, set())
        if len(failed) < self._limit:
            failed.add(who)
        if len(failed) < self._limit:
            return failure
        return Failure(Kind.OUTAGE, failure.reason, f"{failure.text}; so it was for {self._limit} {self._of} in a row")

    async def weigh(self, who: str, failure: Failure, place: str, probe: Probe | None) -> Failure:
        """Count a failure as `escalate` does; it is no outage where only this recipient is shown to be in trouble.

        Args:
            who: which message.
            failure: what it met.
            place: its recipient.
            probe: tells whether the service is there at all; without one, all there is to know is the failures.

        """
        places = self._places.setdefault(failure.reason, set())
        if len(places) <= 1:
            places.add(place)
        judged = self.escalate(who, failure)
        if judged.kind is not Kind.OUTAGE or len(places) > 1 or probe is None:
            return judged
        try:
            await probe()
        except Failure:
            return judged
        return failure
