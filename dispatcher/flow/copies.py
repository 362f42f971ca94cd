"""What takes the place of a message that was not served: the body byte for byte, and in our headers what happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dispatcher.words import messages
from dispatcher.words.errors import Failure, Kind
from dispatcher.words.messages import Message, milliseconds, shorten
from dispatcher.words.retries import LONGEST_WAIT
from dispatcher.words.values import encode_all_but

FREE_OF_CHARGE = frozenset({Kind.THROTTLED, Kind.OUTAGE})
"""Failures that are not the message's own: such a try does not count as an attempt."""


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a message that one copy is about.

    Attributes:
        failure: why it was not served.
        slots: whom it is about; empty means everybody who was not served before: the try did not come as far as
            telling them apart.
        addresses: of all recipients, in the order of the slots.
        pieces: of a text that goes out in several pieces, how many they have, by slot.

    """

    failure: Failure
    slots: frozenset[int] = frozenset()
    addresses: Sequence[str] = ()
    pieces: Mapping[int, int] = field(default_factory=dict)

    def headers(self, message: Message) -> dict[str, object]:
        """Give the headers that say whom a copy of the message is about: `None` where there is nothing to say."""
        if not self.slots:
            return {name: message.headers.get(name) for name in (messages.DONE, messages.RECIPIENT, messages.PIECES)}
        known = {**message.pieces, **self.pieces}
        pieces = {str(slot): known[slot] for slot in sorted(self.slots & known.keys())} or None
        if len(self.slots) == len(self.addresses):
            return {messages.DONE: None, messages.RECIPIENT: None, messages.PIECES: pieces}
        return {
            messages.PIECES: pieces,
            messages.DONE: encode_all_but(self.slots, len(self.addresses)),
            messages.RECIPIENT: shorten(self.addresses[next(iter(self.slots))]) if len(self.slots) == 1 else None,
        }


def retry_copy(message: Message, queue: str, share: Share, now: datetime, rung: timedelta) -> Message:
    """Make what waits on a rung of the ladder."""
    wait = share.failure.wait
    longer = wait is not None and wait > rung
    return message.with_headers(
        {
            **_said(message, queue, share, now),
            messages.NOT_BEFORE: milliseconds(now + min(wait, LONGEST_WAIT)) if wait is not None and longer else None,
        }
    )


def dead_copy(message: Message, queue: str, share: Share, now: datetime) -> Message:
    """Make the dead letter."""
    return message.with_headers(
        {
            **_said(message, queue, share, now),
            messages.NOT_BEFORE: None,
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
        **share.headers(message),
    }
