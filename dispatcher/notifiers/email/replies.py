"""What an SMTP server's answer means: the table, as data, and the pure functions that read it.

The code decides first (RFC 5321 4.2.1), the enhanced code refines it (RFC 3463), the text never counts, but for one
word: a server that says it greylists is believed, so that the next attempt does not come too early. What is not in the
table is transient: we try again rather than lose.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import NamedTuple

from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.messages import harmless, shorten

GREYLISTED_WAIT = timedelta(minutes=5)
"""What most servers that greylist ask for; an earlier attempt is only refused again."""

QUOTED_BYTES = 300
"""The most that a failure quotes of an answer, in bytes of UTF-8."""

BUSY = 421
"""A farewell, wherever it comes (RFC 5321 3.8)."""

TOO_MANY_RECIPIENTS = frozenset({452, 552})
"""Codes of RCPT that may mean "enough for one transaction"; 552 is to be read as 452 (RFC 5321 4.5.3.1.10)."""


class Phase(Enum):
    """Where in the conversation we are; the value names it in a sentence."""

    CONNECT = "the connection"  # up to the greeting and the answer to EHLO
    ANOTHER = "one more connection"  # the same, while others are open: only this one may be too many
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    IDLE = "NOOP"  # between two mails: NOOP, RSET, QUIT
    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"
    BODY = "the text of the mail"  # up to the final dot, which is not written yet
    FINAL = "the end of the mail"  # the final dot may have been taken


class Reply(NamedTuple):
    """An answer of the server: the code, and the text with its lines joined by line feeds."""

    code: int
    text: str

    @property
    def enhanced(self) -> str:
        """The enhanced code without its class (`1.1` of `5.1.1`), or nothing where there is none that fits."""
        found = _ENHANCED.match(self.text)
        return f"{found[2]}.{found[3]}" if found and int(found[1]) == self.code // 100 else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: it speaks about an answer if phase, code and enhanced code all fit.

    Attributes:
        phases: where; none means anywhere.
        codes: first and last code it holds for.
        enhanced: what the enhanced code, less its class, must match whole; an answer without one counts as ``.
        kind, reason: what it means.

    """

    phases: tuple[Phase, ...]
    codes: tuple[int, int]
    enhanced: str
    kind: Kind
    reason: Reason

    def fits(self, phase: Phase, reply: Reply) -> bool:
        """Tell whether this row speaks about the answer."""
        first, last = self.codes
        here = not self.phases or phase in self.phases
        return here and first <= reply.code <= last and re.fullmatch(self.enhanced, reply.enhanced) is not None


_ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")
_GREYLISTED = re.compile(r"gr[ae]y[ -]?list", re.IGNORECASE)

ANY = r".*"
BARE = r"(0\.0)?"
"""No enhanced code, or the one that says nothing more than the code does."""

TALK = (Phase.MAIL, Phase.RCPT, Phase.DATA)

TABLE = (
    # Who cannot come in cannot send any mail: the service is away for all of them.
    Row((Phase.CONNECT,), (0, 999), ANY, Kind.OUTAGE, Reason.SMTP_UNREACHABLE),
    # It is a farewell wherever else it comes.
    Row((), (BUSY, BUSY), ANY, Kind.THROTTLED, Reason.SMTP_BUSY),
    Row((Phase.STARTTLS,), (0, 999), ANY, Kind.OUTAGE, Reason.SMTP_TLS),
    Row((Phase.AUTH,), (0, 999), ANY, Kind.OUTAGE, Reason.SMTP_LOGIN),
    Row((Phase.IDLE,), (0, 999), ANY, Kind.OUTAGE, Reason.SMTP_UNREACHABLE),
    # RFC 4954 6: 530 authentication required, 534 mechanism too weak, 535 credentials invalid, 538 encryption required.
    # At RCPT it may be about the recipient: that is seen when others are refused, too.
    Row((Phase.RCPT,), (530, 538), ANY, Kind.TRANSIENT, Reason.SMTP_LOGIN),
    Row(TALK, (530, 530), ANY, Kind.OUTAGE, Reason.SMTP_LOGIN),
    Row(TALK, (534, 538), ANY, Kind.OUTAGE, Reason.SMTP_LOGIN),
    Row((Phase.MAIL,), (552, 552), rf"3\.4|2\.3|{BARE}", Kind.CONTENT, Reason.TOO_LARGE),
    Row((Phase.MAIL,), (550, 550), rf"1\.7|1\.8|7\.1|{BARE}", Kind.CONTENT, Reason.SENDER_REFUSED),
    Row((Phase.MAIL,), (553, 553), rf"1\.7|1\.8|7\.1|{BARE}", Kind.CONTENT, Reason.SENDER_REFUSED),
    Row((Phase.RCPT, Phase.FINAL), (452, 452), r"2\.2", Kind.TRANSIENT, Reason.MAILBOX_FULL),
    Row((Phase.RCPT, Phase.FINAL), (552, 552), r"2\.2", Kind.TRANSIENT, Reason.MAILBOX_FULL),
    Row((Phase.RCPT,), (552, 552), BARE, Kind.TRANSIENT, Reason.MAILBOX_FULL),
    Row((Phase.RCPT,), (500, 599), r"1\.(1|2|3|6|10)", Kind.RECIPIENT, Reason.NO_SUCH_RECIPIENT),
    Row((Phase.RCPT,), (500, 599), r"2\.1|7\.1|7\.2\d", Kind.RECIPIENT, Reason.REFUSED),
    Row((Phase.RCPT,), (550, 550), BARE, Kind.RECIPIENT, Reason.NO_SUCH_RECIPIENT),
    Row((Phase.RCPT,), (551, 551), ANY, Kind.RECIPIENT, Reason.NO_SUCH_RECIPIENT),
    Row((Phase.RCPT,), (553, 553), ANY, Kind.RECIPIENT, Reason.NO_SUCH_RECIPIENT),
    Row((Phase.FINAL,), (552, 552), ANY, Kind.CONTENT, Reason.TOO_LARGE),
    Row((Phase.FINAL,), (500, 599), r"6\.\d+|7\.1", Kind.CONTENT, Reason.CONTENT_REFUSED),
)
"""The first row that fits decides."""


def judge(phase: Phase, reply: Reply, *, server: str, about: str = "") -> Failure | None:
    """Say what an answer means.

    Args:
        phase: what was answered.
        reply: code and text.
        server: host and port, for the text of the failure.
        about: whom or what the answer is about, for the text of the failure.

    Returns:
        the failure, or nothing where the server agrees.

    """
    if _agrees(phase, reply.code):
        return None
    row = next((row for row in TABLE if row.fits(phase, reply)), None)
    kind, reason = (row.kind, row.reason) if row else (Kind.TRANSIENT, Reason.SMTP_TEMPORARY)
    wait = None
    if kind is Kind.TRANSIENT and reply.code // 100 == 4 and _GREYLISTED.search(reply.text):  # noqa: PLR2004
        reason, wait = Reason.GREYLISTED, GREYLISTED_WAIT
    subject = f"{phase.value} {about}" if about else phase.value
    return Failure(kind, reason, f"{server} answered {subject} with: {quote(reply)}", wait=wait)


def judge_loss(phase: Phase, what: str, *, server: str) -> Failure:
    """Say what it means that the connection ended, fell silent or answered with something that is no SMTP.

    Before the final dot was written the server has taken nothing; afterwards nobody knows (RFC 5321 4.5.3.2.6).
    """
    where = "" if phase is Phase.CONNECT else f" at {phase.value}"
    text = f"{server}: {shorten(harmless(what), QUOTED_BYTES)}{where}"
    match phase:
        case Phase.FINAL:
            return Failure(Kind.UNKNOWN, Reason.SMTP_UNANSWERED, f"{text}; it may have been sent")
        case Phase.MAIL | Phase.RCPT | Phase.DATA | Phase.BODY:
            return Failure(Kind.TRANSIENT, Reason.SMTP_CUT, f"{text}; nothing was sent")
        case Phase.STARTTLS:
            return Failure(Kind.OUTAGE, Reason.SMTP_TLS, text)
        case _:
            return Failure(Kind.OUTAGE, Reason.SMTP_UNREACHABLE, text)


def wants_another_transaction(reply: Reply) -> bool:
    """Tell whether a refusal of RCPT means that this transaction has recipients enough (5.3, or nothing more said)."""
    return reply.code in TOO_MANY_RECIPIENTS and reply.enhanced in {"5.3", "", "0.0"}


def may_concern_all(reply: Reply, failure: Failure) -> bool:
    """Tell whether a refusal of RCPT may not be about the recipient: a policy against us, or trouble of the server.

    A host that is on a blocklist hears 554 5.7.1, one whose server cannot look anything up 451 4.3.0 (RFC 3463 3.4).
    """
    of_the_server = reply.code // 100 == 4 and reply.enhanced.startswith("3.")  # noqa: PLR2004
    return of_the_server or failure.reason in {Reason.REFUSED, Reason.SMTP_LOGIN}


def quote(reply: Reply) -> str:
    """Give an answer as it may stand in a log: one line, shortened, control characters made visible."""
    return shorten(f"{reply.code} {harmless(reply.text)}".strip(), QUOTED_BYTES)


def _agrees(phase: Phase, code: int) -> bool:
    wanted = 3 if phase is Phase.DATA else 2
    return code // 100 == wanted
