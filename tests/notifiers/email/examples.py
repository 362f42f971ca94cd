"""What the tests of the e-mail notifier start from."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from dispatcher.contract.email import EmailNotification
from dispatcher.notifiers.base import Report
from dispatcher.notifiers.email import EmailNotifier, EmailSettings
from dispatcher.notifiers.email.addresses import parse_sender
from dispatcher.notifiers.email.compose import Draft, compose
from dispatcher.notifiers.email.progress import read_people
from dispatcher.notifiers.ledger import Ledger
from dispatcher.words.errors import Failure
from dispatcher.words.texts import Rendered
from tests.smtp_server import SmtpServer

DATE = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
BOTH = Rendered({"html": "<p>Hello</p>", "txt": "Hello"}, "From the template", "email/hello")


def notification(**fields) -> EmailNotification:
    """A notification, by the contract; `from_` stands for `from`."""
    if "from_" in fields:
        fields["from"] = fields.pop("from_")
    return EmailNotification.model_validate({"template": "hello", "to": "ada@example.org", **fields})


def texts(subject="From the template", **by_format) -> Rendered:
    """What a template gave."""
    return Rendered(by_format, subject, "email/hello")


def settings(server: SmtpServer, **changes) -> EmailSettings:
    """Settings for a server of ours, with time-outs that a test can wait for."""
    quick = {"connect": "5s", "command": "20s", "data": "20s", "final_reply": "20s", "quit": "1s"}
    timeouts = quick | changes.pop("timeouts", {})
    return EmailSettings(host="127.0.0.1", port=server.port, hostname="us.example", timeouts=timeouts, **changes)


async def send(notifier: EmailNotifier, **what) -> Mapping[int, Failure]:
    """Send one part of a notification; give who was not served."""
    return (await report(notifier, **what)).failures


async def report(
    notifier: EmailNotifier, message_id="id-1", done=frozenset(), rendered=BOTH, at=0, ledger=None, **fields
) -> Report:
    """Send one part of a notification."""
    asked = notification(**fields)
    ledger = ledger or Ledger(frozenset(done))
    return await notifier.send(message_id, asked, asked.parts()[at], rendered, ledger)


def draft_of(rendered=BOTH, message_id="id-1", at=0, *, max_size=25_000_000, **fields) -> Draft:
    """What one part of a notification is made of."""
    asked = notification(**fields)
    part = asked.parts()[at]
    author = parse_sender(asked.sender or "Dispatcher <noreply@example.org>", "from")
    return Draft(
        notification=asked,
        part=part,
        rendered=rendered,
        message_id=message_id,
        author=author,
        people=read_people(part)[0],
        date=DATE,
        max_size=max_size,
    )


def written(rendered=BOTH, message_id="id-1", at=0, *, utf8=False, **fields) -> bytes:
    """The bytes of one part of a notification."""
    return compose(draft_of(rendered, message_id, at, **fields), utf8=utf8)


def read(raw: bytes) -> EmailMessage:
    """A mail as its reader's program sees it, with whatever the parser found wrong treated as an error."""
    message = message_from_bytes(raw, policy=policy.SMTP.clone(raise_on_defect=True))
    assert isinstance(message, EmailMessage)
    return message
