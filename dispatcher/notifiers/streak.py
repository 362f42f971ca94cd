"""Several in a row: when what looks like the fault of single messages is the service's or the deployment's.

Busy, out of storage, an error of the service's own, the sender of the settings not allowed: once, it concerns one
message; one after the other with none that gets further in between, it concerns all of them, and the queue had better
pause than spend their attempts. Messages are told apart, so that one that always fails does not stop the others.
"""

from dispatcher.words.errors import Failure, Kind, Reason

LIMIT = 5
"""So many different ones in a row make an outage."""


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

    def end(self) -> None:
        """Begin again: one got further (a mail past its sender), even if it was refused then."""
        self._failed.clear()

    def escalate(self, who: str, failure: Failure) -> Failure:
        """Count a failure of one of them; give it back, or the outage that it shows."""
        failed = self._failed.setdefault(failure.reason, set())
        if len(failed) < self._limit:
            failed.add(who)
        if len(failed) < self._limit:
            return failure
        return Failure(Kind.OUTAGE, failure.reason, f"{failure.text}; so it was for {self._limit} {self._of} in a row")
