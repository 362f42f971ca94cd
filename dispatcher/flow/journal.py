"""The port of the journal: what a host remembers of messages beyond the life of one process.

A broker hands a message out again after a lost connection, a lost ack or a crash, whether it was sent or not. The
journal knows: who was served, which copies were settled, what a process was working on when it died. One for all
processes of a host; what it forgets costs a second notification, never a lost one.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
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
    def hold(self, key: bytes) -> AbstractContextManager[None]:
        """Mark a message as in hand, until the end of the block or the death of this process."""

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

    def hold(self, key: bytes) -> AbstractContextManager[None]:
        """Mark nothing."""
        del key
        return nullcontext()

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
