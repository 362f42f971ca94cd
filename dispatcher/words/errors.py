"""What can go wrong, as a tree.

    DispatcherError
    ├── SettingsError      a setting is wrong: the daemon does not start
    ├── UnknownQueue       somebody asked for a queue that we do not serve
    ├── WrongArgument      …or said something on the command line that makes no sense
    ├── BrokerError        the broker cannot do what was asked
    │   ├── BrokerRefused  …and waiting will not help: login, virtual host, permission, arguments
    │   └── DeliveryLost   the delivery is not ours any more; the broker hands it out again
    ├── Failure            one attempt failed, for this reason
    ├── SomeFailed         one attempt failed for some recipients
    └── ConsumerEnded      a bug: nothing takes from a queue any more

Exceptions of outside libraries end in the adapter that uses them; above it there are only these.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum


class DispatcherError(Exception):
    """Everything this package raises on purpose. Its text is one sentence for a person, without secrets."""


class SettingsError(DispatcherError):
    """A setting is wrong, unknown or missing."""


class UnknownQueue(DispatcherError):
    """There is no such queue here."""


class WrongArgument(DispatcherError):
    """Something on the command line makes no sense."""


class BrokerError(DispatcherError):
    """The broker is away or could not do what was asked; later it may."""


class BrokerRefused(BrokerError):
    """The broker answers and says no; somebody has to change something first."""


class DeliveryLost(BrokerError):
    """The delivery's AMQP channel is gone: it cannot be settled, and comes again by itself."""


class Kind(StrEnum):
    """What a failure means for the message. A closed set; `flow.judge` has one branch for each."""

    TRANSIENT = "transient"  # may succeed later: next rung, attempt + 1
    THROTTLED = "throttled"  # asked to wait: waits as long as asked, costs no attempt
    RECIPIENT = "recipient"  # this recipient never: a dead letter of its own, the others go on
    CONTENT = "content"  # this message never: dead letter at once
    UNKNOWN = "unknown"  # sent or not, nobody knows: next rung, same Message-ID
    OUTAGE = "outage"  # the service is away or refuses all of us: costs no attempt


class Reason(StrEnum):
    """Why, as a word that logs, dead letters and later metrics share. A closed set."""

    MALFORMED = "malformed"
    EXPIRED = "expired"
    TEMPLATE_MISSING = "template-missing"
    TEMPLATE_BROKEN = "template-broken"
    PARAMETER_MISSING = "parameter-missing"
    RENDER_FAILED = "render-failed"
    RENDER_LIMIT = "render-limit"
    NO_SUBJECT = "no-subject"
    BAD_HEADER = "bad-header"
    BAD_ADDRESS = "bad-address"
    BAD_ATTACHMENT = "bad-attachment"
    TOO_LARGE = "too-large"
    SENDER_REFUSED = "sender-refused"
    CONTENT_REFUSED = "content-refused"
    NO_SUCH_RECIPIENT = "no-such-recipient"
    REFUSED = "refused"
    NEEDS_SMTPUTF8 = "needs-smtputf8"
    MAILBOX_FULL = "mailbox-full"
    GREYLISTED = "greylisted"
    SMTP_UNREACHABLE = "smtp-unreachable"
    SMTP_TLS = "smtp-tls"
    SMTP_LOGIN = "smtp-login"
    SMTP_BUSY = "smtp-busy"
    SMTP_TEMPORARY = "smtp-temporary"
    SMTP_CUT = "smtp-cut"
    SMTP_UNANSWERED = "smtp-unanswered"
    PACED = "paced"
    RATE_LIMITED = "rate-limited"
    SERVICE_UNREACHABLE = "service-unreachable"
    SERVICE_ERROR = "service-error"
    SERVICE_UNANSWERED = "service-unanswered"
    BAD_TOKEN = "bad-token"  # noqa: S105 - a reason, not a token
    MISSING_SCOPE = "missing-scope"
    NO_TOKEN = "no-token"  # noqa: S105 - likewise
    NO_SUCH_WEBHOOK = "no-such-webhook"
    CHAT_NOT_FOUND = "chat-not-found"
    BLOCKED = "blocked"
    KICKED = "kicked"
    DEACTIVATED = "deactivated"
    NO_RIGHTS = "no-rights"
    ARCHIVED = "archived"
    NO_TEXT = "no-text"
    BAD_MARKUP = "bad-markup"
    BAD_BLOCKS = "bad-blocks"
    TEMPLATES_UNREADABLE = "templates-unreadable"
    DIED = "died"
    HELD = "held"
    INTERRUPTED = "interrupted"
    INTERNAL_ERROR = "internal-error"


class Failure(DispatcherError):
    """One attempt failed.

    Attributes:
        kind: what it means for the message.
        reason: why, from the closed list.
        text: one sentence for the person who finds it in the log or in a dead letter: what, where. No secrets.
        wait: the least time before the next attempt, where the other side asked for one.
        pieces: of a text that goes out in several pieces, how many this recipient has, this attempt's included.
        final: there is to be no other attempt, though the kind allows one.

    """

    def __init__(
        self, kind: Kind, reason: Reason, text: str, *, wait: timedelta | None = None, pieces: int = 0
    ) -> None:
        super().__init__(text)
        self.kind = kind
        self.reason = reason
        self.text = text
        self.wait = wait
        self.pieces = pieces
        self.final = False

    def __repr__(self) -> str:
        return f"Failure({self.kind.value}, {self.reason.value}, {self.text!r})"


class SomeFailed(DispatcherError):
    """Some recipients were not served; who is not named here was.

    Attributes:
        failures: why, by the recipient's slot: its place among all recipients of the notification, from 0.
        addresses: the recipients' addresses as the publisher wrote them, in the order of the slots.

    """

    def __init__(self, failures: Mapping[int, Failure], addresses: tuple[str, ...]) -> None:
        super().__init__(f"{len(failures)} of {len(addresses)} recipients were not served")
        self.failures = failures
        self.addresses = addresses


class ConsumerEnded(DispatcherError):
    """Nothing takes from a queue any more, though nobody stopped it."""
