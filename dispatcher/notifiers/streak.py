"""Several in a row: when what looks like the fault of single mails is the server's or the deployment's.

Busy, out of storage, the sender of the settings not allowed, the connection ended before anything else was said: once,
it concerns one mail; one mail after the other with none that gets further in between, it concerns all of them, and the
queue had better pause than spend their attempts. Mails are told apart, so that one that always fails does not stop the
others.
"""

from dispatcher.words.errors import Failure, Kind, Reason

LIMIT = 5
"""So many different mails in a row make an outage."""


class Streak:
    """Counts, for each reason, the mails that failed for it since one got past its sender."""

    def __init__(self) -> None:
        self._mails: dict[Reason, set[str]] = {}

    def end(self) -> None:
        """Begin again: a mail got past its sender, even if all its recipients, or its text, were refused then."""
        self._mails.clear()

    def escalate(self, message_id: str, failure: Failure) -> Failure:
        """Count a failure; give it back, or the outage that it shows."""
        mails = self._mails.setdefault(failure.reason, set())
        if len(mails) < LIMIT:
            mails.add(message_id)
        if len(mails) < LIMIT:
            return failure
        return Failure(Kind.OUTAGE, failure.reason, f"{failure.text}; so it was for {LIMIT} mails in a row")
