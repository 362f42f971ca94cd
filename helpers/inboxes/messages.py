"""What arrived, whatever the service: a message, its files, and what the JSON says of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from helpers.inboxes.visible import first_line, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

SERVICES = ("email", "telegram", "slack")


@dataclass(frozen=True)
class File:
    """An attachment, a photo, a document.

    Attributes:
        filename: as it was given; foreign text.
        content_type: as it was given; foreign text.
        content: the bytes.

    """

    filename: str
    content_type: str
    content: bytes

    def told(self, n: int) -> dict[str, Any]:
        """Give what the JSON says of it."""
        return {"n": n, "filename": self.filename, "content_type": self.content_type, "size": len(self.content)}


@dataclass(frozen=True, eq=False)
class Message:
    """A message that a service took.

    Attributes:
        id: counted from 1 since the sandbox started, never used twice.
        arrived: seconds since the epoch.
        service: which of the services took it.

    """

    id: int
    arrived: float

    service: ClassVar[str]

    @property
    def to(self) -> Sequence[str]:
        """Whom it is for."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """The subject, or else the first line."""
        return first_line(self.reads)

    @property
    def reads(self) -> str:
        """The text as a person reads it."""
        raise NotImplementedError

    @property
    def searched(self) -> str:
        """Everything that a person reads, addresses too."""
        return "\n".join([self.title, *self.to, self.reads])

    @property
    def source(self) -> bytes:
        """What came, as it came."""
        raise NotImplementedError

    def files(self) -> list[File]:
        """Give what was attached."""
        return []

    def more(self) -> dict[str, Any]:
        """Give what only this service knows."""
        raise NotImplementedError

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What a list says of it."""
        arrived = datetime.fromtimestamp(self.arrived, UTC).isoformat(timespec="milliseconds")
        return {
            "id": self.id,
            "service": self.service,
            "arrived": arrived.replace("+00:00", "Z"),
            "to": list(self.to),
            "title": self.title,
            "preview": shorten(self.reads),
            "size": len(self.source),
        }

    def detail(self) -> dict[str, Any]:
        """Give all that is known of it."""
        return {**self.summary, **self.more()}

    @cached_property
    def haystack(self) -> str:
        """What the search looks through."""
        return self.searched.casefold()

    @property
    def weight(self) -> int:
        """How many bytes it takes, more or less."""
        return len(self.source) + len(self.haystack)

    def has(self, words: Sequence[str]) -> bool:
        """Tell whether each of the words, in lower case, is in it."""
        return all(word in self.haystack for word in words)
