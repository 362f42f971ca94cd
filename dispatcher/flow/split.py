"""A message with many recipients becomes as many messages, before the first is sent: a crash then repeats little.

Only where everybody gets something of his own. Each part keeps the fields of the whole but for `to` and `parameters`,
and what was known of its recipients. Its id is made of the whole's, so that nobody is served twice when a crash has it
split twice: the journal knows the parts again.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from dispatcher.contract.base import Part, fields_of
from dispatcher.words import messages
from dispatcher.words.errors import DispatcherError
from dispatcher.words.messages import Message, milliseconds
from dispatcher.words.values import encode_slots

FROM = 20
"""A message with more parts than that is split."""

MOST_BYTES = 64_000_000
"""More than that is not made of one message: attachments would be multiplied. It is worked off part by part then."""

LONGEST_ID = 200
"""Characters of an id that a part's is made of; of a longer one its digest is taken."""


class SplitUp(DispatcherError):
    """A message has too many recipients to be tried as one.

    Attributes:
        parts: the messages to be tried in its place.

    """

    def __init__(self, parts: tuple[Message, ...]) -> None:
        super().__init__(f"it is split into {len(parts)} messages")
        self.parts = parts


def is_to_be_split(message: Message, parts: Sequence[Part]) -> bool:
    """Tell whether a message has so many parts left that it should be split."""
    if len(parts) <= FROM or messages.PART_OF in message.headers:
        return False
    waiting = sum(any(one.slot not in message.done for one in part.recipients) for part in parts)
    return waiting > FROM


def split(message: Message, parts: Sequence[Part], now: datetime) -> tuple[Message, ...]:
    """Give a message for each part that somebody still waits for; none where that would be too much.

    Args:
        message: its body must be one that the contract has taken.
        parts: all of them.
        now: when it is first seen, unless it was seen before: then nobody knows how long ago.

    """
    fields = fields_of(message.body)
    whole = {name: value for name, value in fields.items() if name not in {"to", "parameters"}}
    if len(json.dumps(whole)) * len(parts) > MOST_BYTES:
        return ()
    if not message.seen_before:
        message = message.with_headers({messages.FIRST_SEEN: milliseconds(now)})
    return tuple(_messages(message, parts, whole))


def _messages(message: Message, parts: Sequence[Part], whole: dict[str, Any]) -> Iterator[Message]:
    identity = message.id
    if len(identity.encode()) > LONGEST_ID:
        identity = hashlib.sha256(identity.encode()).hexdigest()
    for part in parts:
        if any(one.slot not in message.done for one in part.recipients):
            yield _message(message, f"{identity}.{part.index}", whole, part)


def _message(message: Message, identity: str, whole: dict[str, Any], part: Part) -> Message:
    to = next(one.address for one in part.recipients if one.role == "to")
    body = json.dumps({**whole, "to": to, "parameters": part.parameters}, ensure_ascii=False)
    first = part.recipients[0].slot
    slots = {one.slot: one.slot - first for one in part.recipients}
    done = [slots[slot] for slot in sorted(message.done & slots.keys())]
    pieces = {str(slots[slot]): count for slot, count in message.pieces.items() if slot in slots}
    copy = message.with_headers(
        {
            messages.ID: identity,
            messages.PART_OF: message.id,
            messages.DONE: encode_slots(done) if done else None,
            messages.PIECES: pieces or None,
            messages.RECIPIENT: None,
        }
    )
    return replace(copy, id=identity, body=body.encode("utf-8", "surrogatepass"))
