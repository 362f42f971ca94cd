"""The port of the journal: what a host remembers of messages beyond the life of one process.

A broker hands a message out again after a lost connection, a lost ack or a crash, whether it was sent or not. The
journal knows: who was served, which copies were settled, what a process was working on when it died. One for all
processes of a host; what it forgets costs a second notification, never a lost one.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one message.

    Attributes:
        served: who has it, by slot: 0 for all of it, else how many pieces of a long text.
        unsure: slots of those for whom it was handed over, without an answer.
        deaths: how often a process of this host died while it worked on the message.

    """

    served: Mapping[int, int] = field(default_factory=dict)
    unsure: frozenset[int] = frozenset()
    deaths: int = 0


class Hand:
    """One message in hand, until it is released or this process dies: this one is marked nowhere.

    Attributes:
        key: the message.

    """

    __slots__ = ("key",)

    def __init__(self, key: bytes) -> None:
        self.key = key

    def work(self) -> None:
        """Say that it is worked on from now on: should the process die, it may have been its fault."""

    def rest(self) -> None:
        """Say that it waits; as often as `work` was called. It may be marked as worked on a little longer."""

    def serve(self, slots: Collection[int], pieces: int = 0, *, last: bool = False) -> None:
        """Note that these have it, or so many pieces of it.

        Args:
            slots: who they are.
            pieces: of a long text, how many.
            last: whether nothing is left to be done but to tell the broker: then it is not in hand any more.

        """

    def release(self) -> None:
        """Have it in hand no more."""


class Journal(ABC):
    """What is remembered. Keys are digests of 16 bytes; see `flow.page` for what they are made of.

    No method raises: a journal that cannot be written goes on in memory, and says so once.
    """

    @abstractmethod
    def recall(self, key: bytes, since: datetime | None = None) -> Record:
        """Give what is known of a message.

        Args:
            key: the message.
            since: what was sent before counts for another message that looked the same.

        """

    @abstractmethod
    def hand_over(self, key: bytes, slots: Collection[int]) -> None:
        """Note that a service may have it for these from now on."""

    @abstractmethod
    def serve(self, key: bytes, slots: Collection[int], pieces: int = 0) -> None:
        """Note that these have it, or so many pieces of it."""

    @abstractmethod
    def settle(self, version: bytes) -> None:
        """Note that one copy of a message was settled, its own copies kept: should it come again, it only has to go."""

    @abstractmethod
    def is_settled(self, version: bytes) -> bool:
        """Tell whether this copy was settled."""

    @abstractmethod
    def take(self, key: bytes) -> Hand:
        """Mark a message as in hand and worked on, until it rests or is released, or this process dies."""

    @abstractmethod
    def is_held_elsewhere(self, key: bytes) -> bool:
        """Tell whether another living process of this host has it in hand."""

    @abstractmethod
    def clear(self, key: bytes) -> None:
        """Forget the deaths and the doubts about a message: it was settled."""

    @property
    @abstractmethod
    def trouble(self) -> str | None:
        """Why it is kept in memory only, in one sentence; nothing where it is on disk."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the files."""


class Forgetful(Journal):
    """Remembers nothing: for tries within one process."""

    def recall(self, key: bytes, since: datetime | None = None) -> Record:
        """Know nothing."""
        del key, since
        return Record()

    def hand_over(self, key: bytes, slots: Collection[int]) -> None:
        """Note nothing."""

    def serve(self, key: bytes, slots: Collection[int], pieces: int = 0) -> None:
        """Note nothing."""

    def settle(self, version: bytes) -> None:
        """Note nothing."""

    def is_settled(self, version: bytes) -> bool:
        """Know nothing."""
        del version
        return False

    def take(self, key: bytes) -> Hand:
        """Mark nothing."""
        return Hand(key)

    def is_held_elsewhere(self, key: bytes) -> bool:
        """Know nothing."""
        del key
        return False

    def clear(self, key: bytes) -> None:
        """Forget nothing."""

    @property
    def trouble(self) -> str | None:
        """None."""
        return None

    def close(self) -> None:
        """Nothing to let go of."""
