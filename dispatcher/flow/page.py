"""The journal as one queue sees it: what tells one message from another, and when that may be asked.

A publisher may reuse an id, on purpose or not, and two messages that look the same are two notifications. So the
journal is only asked about a message that was in somebody's hands before: one that the broker hands out again, or a
copy of ours. A message without an id cannot be told from another with the same body, so nothing is remembered of it but
that processes died of it: it may be sent twice, and is never taken for one that was.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from dispatcher.flow.journal import Forgetful, Hand, Journal, Record
from dispatcher.words.messages import Message

SLACK = timedelta(seconds=1)
"""So far the clocks of those who tried a message may be apart."""

MOST_NEW = 100_000
"""Messages that went back untouched and are remembered as new."""

FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)
"""Nothing was first seen before."""


class Page:
    """What is remembered of the messages of one queue.

    Args:
        journal: where.
        broker: where the queue is, so that equal queues of two brokers are not taken for one.
        queue: its name.
        now: the time.

    """

    def __init__(
        self,
        journal: Journal | None = None,
        broker: str = "",
        queue: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal = journal or Forgetful()
        self._now = now
        self._origin = _digest(broker.encode(), queue.encode())
        self._begun = hashlib.blake2b(_part(self._origin), digest_size=16)
        self._hands: dict[int, Hand] = {}
        self._asked: tuple[Message, bytes] | None = None
        self._new: OrderedDict[bytes, None] = OrderedDict()

    def key(self, message: Message) -> bytes:
        """Give what is the same for a message and all its copies, and nothing else; without an id, the body alone."""
        asked = self._asked
        if asked is not None and asked[0] is message:
            return asked[1]
        hand = self._hands.get(id(message))
        if hand is not None:
            return hand.key
        digest = self._begun.copy()
        digest.update(_part(b"" if message.anonymous else message.id.encode()))
        digest.update(len(message.body).to_bytes(8, "big"))
        digest.update(message.body)
        key = digest.digest()
        self._asked = message, key
        return key

    def recall(self, message: Message) -> Record:
        """Give what is known of a message."""
        if not message.seen_before or self.key(message) in self._new:
            return Record()
        return self._journal.recall(self.key(message), self._since(message))

    def hand_over(self, message: Message, slots: Collection[int]) -> None:
        """Note that the service may have it for these from now on."""
        if not message.anonymous:
            self._journal.hand_over(self.key(message), slots)

    def take_back(self, message: Message) -> None:
        """Note that the service has answered, and nobody is in doubt any more."""
        if not message.anonymous:
            self._journal.clear(self.key(message))

    def serve(self, message: Message, slots: Collection[int], pieces: int = 0, *, last: bool = False) -> None:
        """Note that these have it, or so many pieces of it, and whether nothing is left but to tell the broker."""
        hand = self._hands.get(id(message))
        key = self.key(message) if hand is None else hand.key
        self._new.pop(key, None)
        if message.anonymous:
            return
        if hand is None:
            self._journal.serve(key, slots, pieces)
        else:
            hand.serve(slots, pieces, last=last)

    def renew(self, message: Message) -> None:
        """Note that a message goes back untouched that nobody has had in hand before.

        When it comes again, it is not one that looked the same and was settled: that would lose it.
        """
        if not message.seen_before:
            self._new[self.key(message)] = None
            while len(self._new) > MOST_NEW:
                self._new.popitem(last=False)

    def take(self, message: Message) -> None:
        """Mark a message as in hand, and as worked on at once, until it rests or is released."""
        self._hands[id(message)] = self._journal.take(self.key(message))
        self._asked = None

    def release(self, message: Message) -> None:
        """Have a message in hand no more."""
        self._hands.pop(id(message)).release()

    def work(self, message: Message) -> AbstractContextManager[None]:
        """Mark a message as worked on until the end of the block: should the process die, it may have been its fault.

        One that waits, for its turn or for a connection, is in hand but not worked on. The mark may stay for some
        tenths of a second beyond the block, so that what goes on at once costs nothing.
        """
        hand = self._hands.get(id(message))
        if hand is None:
            return Work(self._journal.take(self.key(message)), alone=True)
        return Work(hand)

    def deaths(self, message: Message) -> int:
        """Count how often a process of this host died while it worked on a message."""
        return self._journal.recall(self.key(message)).deaths if message.seen_before else 0

    def is_held_elsewhere(self, message: Message) -> bool:
        """Tell whether another daemon of this host has it in hand."""
        return message.seen_before and self._journal.is_held_elsewhere(self.key(message))

    def is_settled(self, message: Message) -> bool:
        """Tell whether this copy was settled before, and has only come back because the broker did not hear of it."""
        if not message.seen_before or message.anonymous or self.key(message) in self._new:
            return False
        return self._journal.is_settled(self._version(message))

    def settle(self, message: Message) -> None:
        """Note that this copy was settled, all that takes its place being kept."""
        self._new.pop(self.key(message), None)
        if not message.anonymous:
            self._journal.settle(self._version(message))

    def clear(self, message: Message) -> None:
        """Forget the deaths and doubts about a message that is settled for good."""
        self._journal.clear(self.key(message))

    def _since(self, message: Message) -> datetime | None:
        """Tell from when on what was sent may have been this message; any time where that cannot be so."""
        seen = message.first_seen
        sound = seen is not None and FIRST_DAY < seen <= self._now()  # a clock was set back, or somebody made it up
        return seen - SLACK if sound and seen is not None else None

    def _version(self, message: Message) -> bytes:
        copy = message.copy
        return self.key(message) if copy is None else _digest(self._origin, message.id.encode(), copy.encode())


class Work:
    """A block in which a message is worked on.

    Args:
        hand: the message.
        alone: whether it is in hand for this block only.

    """

    __slots__ = ("_alone", "_hand")

    def __init__(self, hand: Hand, *, alone: bool = False) -> None:
        self._hand = hand
        self._alone = alone

    def __enter__(self) -> None:
        self._hand.work()

    def __exit__(self, *_: object) -> None:
        self._hand.rest()
        if self._alone:
            self._hand.release()


def _digest(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"".join(map(_part, parts)), digest_size=16).digest()


def _part(part: bytes) -> bytes:
    """Give a part with its length, so that no two ways to cut some look the same."""
    return len(part).to_bytes(8, "big") + part
