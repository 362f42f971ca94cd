"""How a delivery ends: AMQP 1.0's words, and the record that observers are given.

A delivery is settled once, with the outcomes of its parts: `Accepted`, `Released` or `Split` alone, or any number of
`Deferred` and `Rejected`. What takes the message's place is kept before the original may be forgotten.
"""

from dataclasses import dataclass
from datetime import timedelta

from dispatcher.words.errors import Failure
from dispatcher.words.messages import Message


@dataclass(frozen=True, slots=True)
class Accepted:
    """Everybody was served: the broker may forget the message."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Try again later: `copy` waits on `rung` of the ladder, then comes back to its queue."""

    copy: Message
    rung: timedelta
    failure: Failure


@dataclass(frozen=True, slots=True)
class Rejected:
    """Given up: `copy` is kept as a dead letter with the reason in its headers."""

    copy: Message
    failure: Failure


@dataclass(frozen=True, slots=True)
class Released:
    """Not tried: the message goes back to its queue as it was."""


@dataclass(frozen=True, slots=True)
class Split:
    """Too many recipients for one message: `parts` take its place in the same queue, at once, one for each send."""

    parts: tuple[Message, ...]


Outcome = Accepted | Deferred | Rejected | Released | Split

WORDS = {Released: "released", Split: "split", Deferred: "deferred", Rejected: "rejected", Accepted: "accepted"}
"""How logs call them; of several outcomes of one delivery, the first in this order gives it its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What observers are told about each delivery, once, after it was settled.

    Attributes:
        queue: the work queue.
        message: the message as it was delivered, with the notes of its handler.
        outcomes: how it was settled.
        seconds: from the delivery to the end of its settlement.
        lost: the delivery could not be settled, because its connection was gone: it comes again.
        redelivered: the broker had handed the message out before.

    """

    queue: str
    message: Message
    outcomes: tuple[Outcome, ...]
    seconds: float
    lost: bool = False
    redelivered: bool = False

    @property
    def outcome(self) -> str:
        """The one word for the whole: what still has to happen outweighs what was given up, and that a success."""
        kinds = {type(outcome) for outcome in self.outcomes}
        if len(kinds) == 1:
            return WORDS[kinds.pop()]
        return next((word for kind, word in WORDS.items() if kind in kinds), "accepted")

    @property
    def failure(self) -> Failure | None:
        """The failure that decided the outcome, if there was one."""
        if type(self.outcomes[0]) is Accepted:  # it stands alone
            return None
        decisive = Deferred if self.outcome == "deferred" else Rejected
        return next((outcome.failure for outcome in self.outcomes if isinstance(outcome, decisive)), None)
