"""What takes the place of a message that was not served: the body byte for byte, and in our headers what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.words import messages
from dispatcher.words.errors import Failure, Kind
from dispatcher.words.messages import Message, milliseconds, shorten
from dispatcher.words.values import encode_slots

FREE_OF_CHARGE = frozenset({Kind.THROTTLED, Kind.OUTAGE})
"""Failures that are not the message's own: such a try does not count as an attempt."""


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a message that one copy is about.

    Attributes:
        failure: why it was not served.
        slots: whom it is about; empty means everybody, where the message could not even be read.
        addresses: of all recipients, in the order of the slots.

    """

    failure: Failure
    slots: frozenset[int] = frozenset()
    addresses: Sequence[str] = ()

    @property
    def done(self) -> str | None:
        """The header that leaves everybody else out; `None` when the copy is for all."""
        others = set(range(len(self.addresses))) - self.slots
        return encode_slots(others) if others else None

    @property
    def recipient(self) -> str | None:
        """The one recipient it is about, if it is one of several."""
        if len(self.slots) != 1 or len(self.addresses) == 1:
            return None
        return shorten(self.addresses[next(iter(self.slots))])


def retry_copy(message: Message, queue: str, share: Share, now: datetime, rung: timedelta) -> Message:
    """Make what waits on a rung of the ladder."""
    wait = share.failure.wait
    longer = wait is not None and wait > rung
    return message.with_headers(
        {
            **_said(message, queue, share, now),
            messages.NOT_BEFORE: milliseconds(now + wait) if wait is not None and longer else None,
            messages.RECIPIENT: None,
        }
    )


def dead_copy(message: Message, queue: str, share: Share, now: datetime) -> Message:
    """Make the dead letter."""
    return message.with_headers(
        {
            **_said(message, queue, share, now),
            messages.NOT_BEFORE: None,
            messages.RECIPIENT: share.recipient,
        }
    )


def _said(message: Message, queue: str, share: Share, now: datetime) -> dict[str, object]:
    failure = share.failure
    finished = message.attempt - 1 if failure.kind in FREE_OF_CHARGE else message.attempt
    return {
        messages.ID: message.id,
        messages.QUEUE: queue,
        messages.ATTEMPT: finished,
        messages.FIRST_SEEN: milliseconds(message.first_seen or now),
        messages.LAST_TRY: milliseconds(now),
        messages.KIND: failure.kind.value,
        messages.REASON: failure.reason.value,
        messages.ERROR: shorten(failure.text),
        messages.DONE: share.done,
    }
