"""The envelope: what a broker carries for us, whichever broker it is.

What we remember about a message travels with it, in headers of our own that begin with `dispatcher-`; the body is never
touched. All of them are optional on the way in, and nonsense in them counts as absent: a publisher may send anything.
"""

import secrets
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

from dispatcher.words.errors import Reason
from dispatcher.words.values import decode_slots

PREFIX = "dispatcher-"
ID = "dispatcher-id"  # the identity of the notification, as its publisher gave it
ATTEMPT = "dispatcher-attempt"  # attempts finished so far
FIRST_SEEN = "dispatcher-first-seen"  # milliseconds since 1970
LAST_TRY = "dispatcher-last-try"  # milliseconds since 1970
NOT_BEFORE = "dispatcher-not-before"  # milliseconds since 1970: for a wait longer than the largest rung
QUEUE = "dispatcher-queue"  # the work queue it belongs to
KIND = "dispatcher-kind"  # of the last failure
REASON = "dispatcher-reason"  # of the last failure
ERROR = "dispatcher-error"  # its text
DONE = "dispatcher-done"  # recipients already settled, as a bitmap over their slots
RECIPIENT = "dispatcher-recipient"  # the one recipient that a dead letter is about
PIECES = "dispatcher-pieces"  # of a text in several pieces, how many a recipient has: a table by slot
COPY = "dispatcher-copy"  # what tells one copy of a message from all others
DEATHS = "dispatcher-deaths"  # how often a dispatcher died while it tried the message
PART_OF = "dispatcher-part-of"  # the identity of the message that it was split from
RENEWED = "dispatcher-renewed"  # it took the place of one that the broker had handed out too often

OURS = frozenset(
    {
        ID,
        ATTEMPT,
        FIRST_SEEN,
        LAST_TRY,
        NOT_BEFORE,
        QUEUE,
        KIND,
        REASON,
        ERROR,
        DONE,
        RECIPIENT,
        PIECES,
        COPY,
        DEATHS,
        PART_OF,
        RENEWED,
    }
)
"""All of them; a header of another name is a stranger's, whatever it begins with."""

ERROR_BYTES = 500
"""The longest text of an error in a header, in bytes of UTF-8."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Properties:
    """What a publisher may say about a message besides its headers; kept on all our copies.

    `user_id` and `expiration` are left out on purpose: the broker refuses the first on a copy that somebody else
    publishes, and the second would overrule the delay queues.
    """

    content_type: str | None = "application/json"
    content_encoding: str | None = None
    correlation_id: str | None = None
    reply_to: str | None = None
    type: str | None = None
    app_id: str | None = None
    priority: int | None = None
    timestamp: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message.

    Attributes:
        body: the bytes, as published.
        id: the publisher's unique `message_id`, or one given when the message was first taken.
        headers: everything the message carries besides, ours included.
        properties: what the publisher said about it.
        notes: what a handler wants the observers to know (`template`); travels nowhere.
        anonymous: its publisher gave it no id, so that it cannot be told from another with the same body.
        redelivered: the broker handed it out before, to us or to somebody else.
        returned: how often, as far as the broker counts that.
        is_stale: whether the broker has taken it away from us meanwhile, to hand it out again. Who is about to do what
            cannot be undone asks first.
        is_gone: whether we were told so already: a moment later than `is_stale` finds it out, but it costs nothing.

    """

    body: bytes
    id: str
    headers: Mapping[str, Any] = field(default_factory=dict)
    properties: Properties = Properties()
    notes: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    anonymous: bool = field(default=False, compare=False)
    redelivered: bool = field(default=False, compare=False)
    returned: int = field(default=0, compare=False)
    is_stale: Callable[[], bool] = field(default=_never, compare=False, repr=False)
    is_gone: Callable[[], bool] = field(default=_never, compare=False, repr=False)

    @property
    def attempt(self) -> int:
        """The number of the try that is under way, counted from 1."""
        return self._integer(ATTEMPT) + 1

    @property
    def first_seen(self) -> datetime | None:
        """When it was first tried, for a message that was tried before."""
        return self._time(FIRST_SEEN)

    @property
    def not_before(self) -> datetime | None:
        """The time before which sending was asked not to be tried."""
        return self._time(NOT_BEFORE)

    @property
    def done(self) -> frozenset[int]:
        """The slots of the recipients that are already settled."""
        return decode_slots(self.headers.get(DONE))

    @property
    def pieces(self) -> dict[int, int]:
        """How many pieces of a long text a recipient has already, by slot."""
        table = self.headers.get(PIECES)
        if not isinstance(table, Mapping):
            return {}
        return {
            int(slot): count
            for slot, count in table.items()
            if str(slot).isdecimal() and type(count) is int and 0 < count < 1 << 15
        }

    @property
    def copy(self) -> str | None:
        """What tells this copy of ours from all others; nothing where it is as its publisher sent it."""
        token = self.headers.get(COPY)
        return token if isinstance(token, str) and token else None

    @property
    def seen_before(self) -> bool:
        """Whether it was in somebody's hands before: the broker hands it out again, or it is a copy of ours."""
        return self.redelivered or self.copy is not None or RENEWED in self.headers

    @property
    def deaths(self) -> int:
        """How often a dispatcher died while it tried this message, as far as that was paid with an attempt."""
        return self._integer(DEATHS)

    @property
    def reason(self) -> Reason:
        """Why it was not served last time."""
        try:
            return Reason(str(self.headers.get(REASON)))
        except ValueError:
            return Reason.INTERNAL_ERROR

    def with_headers(self, changes: Mapping[str, Any]) -> Self:
        """Give a copy with these headers changed; `None` takes one away. It is told from all other copies."""
        merged = {**self.headers, COPY: secrets.token_hex(8), **changes}
        headers = {name: value for name, value in merged.items() if value is not None}
        ours = {"anonymous": False, "redelivered": False, "returned": 0, "is_stale": _never, "is_gone": _never}
        return replace(self, headers=headers, notes={}, **ours)  # type: ignore[arg-type]

    def renewed(self) -> Self:
        """Give what takes its place: it was in somebody's hands, and is known for the same where it comes twice."""
        return self.with_headers({COPY: self.copy, RENEWED: True})

    def _integer(self, name: str) -> int:
        value = self.headers.get(name)
        sound = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31
        return value if sound else 0  # type: ignore[return-value]

    def _time(self, name: str) -> datetime | None:
        value = self.headers.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        try:
            return datetime.fromtimestamp(value / 1000, tz=UTC)
        except (OverflowError, ValueError, OSError):
            return None


def milliseconds(time: datetime) -> int:
    """Give a time as our headers carry it: whole milliseconds since 1970."""
    return round(time.timestamp() * 1000)


def shorten(text: str, limit: int = ERROR_BYTES) -> str:
    """Cut a text to a number of bytes of UTF-8, at a character, with an ellipsis where something is missing."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return raw.decode("utf-8")
    return raw[: limit - 3].decode("utf-8", "ignore") + "…"


def harmless(text: str) -> str:
    """Put one line in place of several, and a replacement character in place of what could command a terminal."""
    line = " ".join(text.split())
    if line.isascii() and line.isprintable():
        return line
    return "".join("\ufffd" if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"} else char for char in line)
