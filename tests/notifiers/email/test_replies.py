"""The table of SMTP answers, row by row."""

from datetime import timedelta

import pytest

from dispatcher.notifiers.email.replies import (
    QUOTED_BYTES,
    Phase,
    Reply,
    judge,
    judge_loss,
    wants_another_transaction,
)
from dispatcher.words.errors import Failure, Kind, Reason

P, K, R = Phase, Kind, Reason

ROWS = [
    (P.CONNECT, "421 4.7.0 too many", K.OUTAGE, R.SMTP_UNREACHABLE),
    (P.CONNECT, "450 4.3.2 not now", K.OUTAGE, R.SMTP_UNREACHABLE),
    (P.CONNECT, "554 5.7.1 no service for you", K.OUTAGE, R.SMTP_UNREACHABLE),
    (P.ANOTHER, "421 4.7.0 too many", K.THROTTLED, R.SMTP_BUSY),
    (P.STARTTLS, "454 4.7.0 not available", K.OUTAGE, R.SMTP_TLS),
    (P.STARTTLS, "501 5.5.4 no", K.OUTAGE, R.SMTP_TLS),
    (P.AUTH, "535 5.7.8 wrong", K.OUTAGE, R.SMTP_LOGIN),
    (P.AUTH, "534 5.7.9 too weak", K.OUTAGE, R.SMTP_LOGIN),
    (P.AUTH, "454 4.7.0 try later", K.OUTAGE, R.SMTP_LOGIN),
    (P.AUTH, "421 4.3.0 bye", K.THROTTLED, R.SMTP_BUSY),
    (P.IDLE, "502 5.5.1 no", K.OUTAGE, R.SMTP_UNREACHABLE),
    (P.MAIL, "530 5.7.0 authentication required", K.OUTAGE, R.SMTP_LOGIN),
    (P.RCPT, "530 5.7.0 authentication required", K.TRANSIENT, R.SMTP_LOGIN),
    (P.MAIL, "535 5.7.8 login expired", K.OUTAGE, R.SMTP_LOGIN),
    (P.MAIL, "421 4.4.5 busy", K.THROTTLED, R.SMTP_BUSY),
    (P.RCPT, "421 busy", K.THROTTLED, R.SMTP_BUSY),
    (P.DATA, "421 busy", K.THROTTLED, R.SMTP_BUSY),
    (P.FINAL, "421 busy", K.THROTTLED, R.SMTP_BUSY),
    (P.MAIL, "550 5.1.7 bad sender", K.CONTENT, R.SENDER_REFUSED),
    (P.MAIL, "550 5.1.8 bad sender", K.CONTENT, R.SENDER_REFUSED),
    (P.MAIL, "550 5.7.1 not you", K.CONTENT, R.SENDER_REFUSED),
    (P.MAIL, "553 5.7.1 not you", K.CONTENT, R.SENDER_REFUSED),
    (P.MAIL, "553 not you", K.CONTENT, R.SENDER_REFUSED),
    (P.MAIL, "550 5.3.2 closed", K.TRANSIENT, R.SMTP_TEMPORARY),
    (P.MAIL, "552 5.3.4 too big", K.CONTENT, R.TOO_LARGE),
    (P.MAIL, "552 5.2.3 too big", K.CONTENT, R.TOO_LARGE),
    (P.MAIL, "552 too big", K.CONTENT, R.TOO_LARGE),
    (P.MAIL, "452 4.3.1 disk full", K.TRANSIENT, R.SMTP_TEMPORARY),
    (P.MAIL, "451 4.3.0 trouble", K.TRANSIENT, R.SMTP_TEMPORARY),
    (P.RCPT, "550 5.1.1 nobody", K.RECIPIENT, R.NO_SUCH_RECIPIENT),
    (P.RCPT, "550 5.1.2 no host", K.RECIPIENT, R.NO_SUCH_RECIPIENT),
    (P.RCPT, "501 5.1.3 bad syntax", K.RECIPIENT, R.NO_SUCH_RECIPIENT),
    (P.RCPT, "550 5.1.6 moved", K.RECIPIENT, R.NO_SUCH_RECIPIENT),
    (P.RCPT, "556 5.1.10 null MX", K.RECIPIENT, R.NO_SUCH_RECIPIENT),
    (P.RCPT, "550 no", K.RECIPIENT, R.NO_SUCH_RECIPIENT),
    (P.RCPT, "550 5.0.0 no", K.RECIPIENT, R.NO_SUCH_RECIPIENT),
    (P.RCPT, "551 elsewhere", K.RECIPIENT, R.NO_SUCH_RECIPIENT),
    (P.RCPT, "553 not allowed", K.RECIPIENT, R.NO_SUCH_RECIPIENT),
    (P.RCPT, "550 5.2.1 disabled", K.RECIPIENT, R.REFUSED),
    (P.RCPT, "550 5.7.1 refused", K.RECIPIENT, R.REFUSED),
    (P.RCPT, "554 5.7.1 relay access denied", K.RECIPIENT, R.REFUSED),
    (P.RCPT, "550 5.7.26 unauthenticated", K.RECIPIENT, R.REFUSED),
    (P.RCPT, "450 4.7.1 later", K.TRANSIENT, R.SMTP_TEMPORARY),
    (P.RCPT, "450 4.2.0 later", K.TRANSIENT, R.SMTP_TEMPORARY),
    (P.RCPT, "451 4.4.3 DNS", K.TRANSIENT, R.SMTP_TEMPORARY),
    (P.RCPT, "450 4.1.1 not known yet", K.TRANSIENT, R.SMTP_TEMPORARY),
    (P.RCPT, "452 4.2.2 full", K.TRANSIENT, R.MAILBOX_FULL),
    (P.RCPT, "552 5.2.2 full", K.TRANSIENT, R.MAILBOX_FULL),
    (P.RCPT, "552 full", K.TRANSIENT, R.MAILBOX_FULL),
    (P.RCPT, "452 4.5.3 too many", K.TRANSIENT, R.SMTP_TEMPORARY),
    (P.DATA, "554 5.5.1 no valid recipients", K.TRANSIENT, R.SMTP_TEMPORARY),
    (P.DATA, "250 what", K.TRANSIENT, R.SMTP_TEMPORARY),
    (P.FINAL, "554 5.6.0 malformed", K.CONTENT, R.CONTENT_REFUSED),
    (P.FINAL, "554 5.7.1 spam", K.CONTENT, R.CONTENT_REFUSED),
    (P.FINAL, "550 5.7.1 spam", K.CONTENT, R.CONTENT_REFUSED),
    (P.FINAL, "552 5.3.4 too large", K.CONTENT, R.TOO_LARGE),
    (P.FINAL, "451 4.7.1 filter down", K.TRANSIENT, R.SMTP_TEMPORARY),
    (P.FINAL, "554 5.3.0 trouble", K.TRANSIENT, R.SMTP_TEMPORARY),
    (P.FINAL, "552 5.2.2 full", K.TRANSIENT, R.MAILBOX_FULL),
]


def reply(line: str) -> Reply:
    return Reply(int(line[:3]), line[4:])


@pytest.mark.parametrize(("phase", "line", "kind", "reason"), ROWS, ids=[f"{row[0].name} {row[1]}" for row in ROWS])
def test_each_row_of_the_table_says_what_it_means(phase, line, kind, reason):
    failure = judge(phase, reply(line), server="mail.example:25", about="<ada@example.org>")

    assert isinstance(failure, Failure)
    assert (kind, reason) == (failure.kind, failure.reason)
    assert line in failure.text
    assert "mail.example:25" in failure.text
    assert "<ada@example.org>" in failure.text


@pytest.mark.parametrize(
    ("phase", "line"),
    [(P.MAIL, "250 ok"), (P.RCPT, "251 will forward"), (P.DATA, "354 go"), (P.FINAL, "250 queued"), (P.IDLE, "250")],
)
def test_agreement_is_no_failure(phase, line):
    assert judge(phase, reply(line), server="s") is None


@pytest.mark.parametrize("text", ["4.2.0 Greylisted, try later", "4.7.1 Graylisting in action", "grey-listed"])
def test_greylisting_asks_for_five_minutes(text):
    failure = judge(P.RCPT, Reply(450, text), server="s")

    assert failure is not None
    assert (K.TRANSIENT, R.GREYLISTED, timedelta(minutes=5)) == (failure.kind, failure.reason, failure.wait)


def test_a_permanent_refusal_that_speaks_of_greylisting_stays_what_its_code_says():
    failure = judge(P.RCPT, Reply(550, "5.1.1 not in the greylist"), server="s")

    assert failure is not None
    assert R.NO_SUCH_RECIPIENT == failure.reason


def test_an_enhanced_code_of_another_class_does_not_count():
    assert "" == Reply(450, "5.1.1 odd").enhanced
    assert "1.1" == Reply(550, "5.1.1 fine").enhanced


@pytest.mark.parametrize(
    ("line", "wanted"),
    [("452 4.5.3 enough", True), ("452 enough", True), ("552 5.5.3 enough", True), ("452 4.2.2 full", False)],
)
def test_too_many_recipients_are_told_from_a_full_mailbox(line, wanted):
    assert wanted is wants_another_transaction(reply(line))


@pytest.mark.parametrize(
    ("phase", "kind", "reason"),
    [
        (P.CONNECT, K.OUTAGE, R.SMTP_UNREACHABLE),
        (P.STARTTLS, K.OUTAGE, R.SMTP_TLS),
        (P.AUTH, K.OUTAGE, R.SMTP_UNREACHABLE),
        (P.MAIL, K.TRANSIENT, R.SMTP_CUT),
        (P.RCPT, K.TRANSIENT, R.SMTP_CUT),
        (P.DATA, K.TRANSIENT, R.SMTP_CUT),
        (P.BODY, K.TRANSIENT, R.SMTP_CUT),
        (P.FINAL, K.UNKNOWN, R.SMTP_UNANSWERED),
    ],
)
def test_a_loss_means_what_its_phase_says(phase, kind, reason):
    failure = judge_loss(phase, "connection lost", server="s")

    assert (kind, reason) == (failure.kind, failure.reason)


def test_what_is_quoted_is_one_short_line_that_commands_no_terminal():
    failure = judge(P.MAIL, Reply(451, "a\nb\x1b[2J\udcff" + "é" * 1000), server="s")

    assert failure is not None
    assert "451 a b\ufffd[2J\ufffdé" in failure.text
    assert len(failure.text.encode()) < QUOTED_BYTES + 50
