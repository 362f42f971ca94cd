"""What an answer of Slack means: the tables, as data, and the pure functions that read them.

The status decides about too many requests, then the word that Slack gives for the error, then the status again. What is
in no table is transient: we try again rather than lose.

Sources: Slack's "chat.postMessage", "Rate limits" and "Sending messages using incoming webhooks", each under "Errors".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.messages import shorten

USUAL_WAIT = timedelta(seconds=30)
"""How long we wait where Slack asks for a pause and does not say how long."""

LONG_WAIT = timedelta(hours=1)
"""How long we wait when the workspace may take no more messages."""

TOO_MANY = 429
NOT_FOUND = 404
TOO_LARGE = 413
SERVER_ERRORS = 500

_SECONDS = re.compile(r"\d{1,6}", re.ASCII)
_QUOTED_BYTES = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What Slack said, with nothing secret in it.

    Attributes:
        status: of HTTP.
        sent: whether it took the message.
        word: what it calls the error; nothing where it gave no word of its own.
        details: what it says of the error besides: places in the blocks, the scope that is needed.
        retry_after: the header, if it came.
        facts: what it says of a message that it took: `channel`, `ts`; of ourselves: `user`, `team`.
        warnings: words of warning.

    """

    status: int
    sent: bool = False
    word: str = ""
    details: str = ""
    retry_after: str | None = None
    facts: Mapping[str, str] | None = None
    warnings: tuple[str, ...] = ()


class Scope(Enum):
    """Whom an error concerns, if it happens again."""

    MESSAGE = auto()  # nobody else
    SERVICE = auto()  # everybody, when several different messages meet it in a row
    WORKSPACE = auto()  # everybody, when a second conversation meets it
    THREAD = auto()  # the message is fine, but for the thread it wants to be in


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        words: what Slack calls it.
        kind, reason: what it means.
        said: the same for a person.
        scope: whom it concerns.
        wait: how long to wait where Slack does not say.

    """

    words: tuple[str, ...]
    kind: Kind
    reason: Reason
    said: str
    scope: Scope = Scope.MESSAGE
    wait: timedelta | None = None


_RATE = Row(("ratelimited", "rate_limited"), Kind.THROTTLED, Reason.RATE_LIMITED, "Slack asks to wait", wait=USUAL_WAIT)
_ERROR = Row((), Kind.TRANSIENT, Reason.SERVICE_ERROR, "Slack has an error of its own", Scope.SERVICE)
_UNKNOWN = Row((), Kind.TRANSIENT, Reason.SERVICE_ERROR, "Slack says no, in a word that is not known here")
_LARGE = Row((), Kind.CONTENT, Reason.TOO_LARGE, "the message is too large")
_RESTRICTED = Row(
    ("restricted_action",), Kind.RECIPIENT, Reason.NO_RIGHTS, "the workspace does not let the bot write there"
)

API = (
    _RATE,
    Row(
        ("message_limit_exceeded",),
        Kind.THROTTLED,
        Reason.RATE_LIMITED,
        "the workspace may take no more messages",
        wait=LONG_WAIT,
    ),
    Row(
        (
            "invalid_auth",
            "not_authed",
            "account_inactive",
            "token_revoked",
            "token_expired",
            "not_allowed_token_type",
            "two_factor_setup_required",
            "enterprise_is_restricted",
            "accesslimited",
        ),
        Kind.OUTAGE,
        Reason.BAD_TOKEN,
        "Slack does not accept our token",
    ),
    Row(("missing_scope",), Kind.OUTAGE, Reason.MISSING_SCOPE, "the token lacks a scope"),
    Row(("channel_not_found", "user_not_found"), Kind.RECIPIENT, Reason.CHAT_NOT_FOUND, "there is none for the bot"),
    Row(("is_archived",), Kind.RECIPIENT, Reason.ARCHIVED, "it is archived"),
    Row(("not_in_channel",), Kind.RECIPIENT, Reason.NO_RIGHTS, "the bot is not in it and has to be invited"),
    Row(("user_disabled",), Kind.RECIPIENT, Reason.DEACTIVATED, "the account is disabled"),
    Row(
        ("cannot_dm_bot", "messages_tab_disabled"),
        Kind.RECIPIENT,
        Reason.NO_RIGHTS,
        "it takes no direct messages",
    ),
    Row(("msg_too_long", "msg_blocks_too_long"), Kind.CONTENT, Reason.TOO_LARGE, "the message is too long"),
    Row(("no_text",), Kind.CONTENT, Reason.NO_TEXT, "the message has no text"),
    Row(
        ("invalid_blocks", "invalid_blocks_format"),
        Kind.CONTENT,
        Reason.BAD_BLOCKS,
        "Slack does not take the blocks",
    ),
    Row(
        (
            "invalid_attachments",
            "too_many_attachments",
            "attachment_payload_limit_exceeded",
            "markdown_text_conflict",
            "invalid_arguments",
            "invalid_metadata_schema",
            "invalid_metadata_format",
            "metadata_too_large",
        ),
        Kind.CONTENT,
        Reason.CONTENT_REFUSED,
        "Slack does not take the message",
    ),
    Row(
        (
            "thread_not_found",
            "invalid_thread_ts",
            "message_not_found",
            "cannot_reply_to_message",
            "restricted_action_non_threadable_channel",
        ),
        Kind.RECIPIENT,
        Reason.CHAT_NOT_FOUND,
        "there is no such thread",
        Scope.THREAD,
    ),
    Row(
        ("internal_error", "service_unavailable", "request_timeout"),
        _ERROR.kind,
        _ERROR.reason,
        _ERROR.said,
        _ERROR.scope,
    ),
    Row(
        ("fatal_error",),
        Kind.UNKNOWN,
        Reason.SERVICE_UNANSWERED,
        "Slack broke down half-way; it may have been sent",
    ),
    Row(
        ("no_permission", "ekm_access_denied", "team_access_not_granted", "access_denied"),
        Kind.RECIPIENT,
        Reason.NO_RIGHTS,
        "the bot may not write there",
        Scope.WORKSPACE,
    ),
)
"""What the Web API says. Besides, every word that begins with `restricted_action` is like that one."""

WEBHOOK = (
    Row(
        ("no_service", "no_service_id", "no_active_hooks", "no_team", "team_disabled", "invalid_token"),
        Kind.RECIPIENT,
        Reason.NO_SUCH_WEBHOOK,
        "Slack knows this webhook no more",
    ),
    Row(("channel_is_archived",), Kind.RECIPIENT, Reason.ARCHIVED, "its conversation is archived"),
    Row(
        ("action_prohibited", "posting_to_general_channel_denied"),
        Kind.RECIPIENT,
        Reason.NO_RIGHTS,
        "the workspace does not let it write there",
    ),
    Row(("invalid_payload",), Kind.CONTENT, Reason.CONTENT_REFUSED, "Slack does not take the message"),
    Row(("missing_text_or_fallback_or_attachments",), Kind.CONTENT, Reason.NO_TEXT, "the message has no text"),
    Row(("rollup_error",), _ERROR.kind, _ERROR.reason, _ERROR.said, _ERROR.scope),
)
"""What incoming webhooks say in words of their own; their other words mean what they mean in the Web API."""

_API = {word: row for row in API for word in row.words}
_WEBHOOK = {
    # A webhook that is refused is that webhook's trouble, never that of the whole queue.
    **{
        word: row if row.kind is not Kind.OUTAGE else Row((word,), Kind.RECIPIENT, Reason.NO_SUCH_WEBHOOK, row.said)
        for word, row in _API.items()
    },
    **{word: row for row in WEBHOOK for word in row.words},
}


def find(answer: Answer, *, webhook: bool = False) -> Row:
    """Give the row for an answer that refuses."""
    row = (_WEBHOOK if webhook else _API).get(answer.word)
    if answer.status == TOO_MANY:
        return row if row and row.kind is Kind.THROTTLED else _RATE
    if row:
        return row
    if answer.word.startswith("restricted_action"):
        return _RESTRICTED
    if answer.status == TOO_LARGE:
        return _LARGE
    return _UNKNOWN if answer.word and answer.status < SERVER_ERRORS else _ERROR


def failure_of(row: Row, answer: Answer, about: str) -> Failure:
    """Give the failure for an answer that refuses, about a conversation or a webhook."""
    wait = (read_wait(answer.retry_after) or row.wait) if row.kind is Kind.THROTTLED else None
    said = answer.word or f"HTTP {answer.status}, in no words of Slack's"
    said += "; check its address in notifiers.slack" if not answer.word and answer.status == NOT_FOUND else ""
    text = f"{about}: {row.said} ({said})"
    if answer.details:
        text += f": {shorten(answer.details, _QUOTED_BYTES)}"
    return Failure(row.kind, row.reason, text, wait=wait)


def read_wait(seconds: str | None) -> timedelta | None:
    """Read how long Slack asks to wait, if it is a sound number of seconds."""
    found = seconds is not None and _SECONDS.fullmatch(seconds.strip())
    return timedelta(seconds=max(1, int(seconds))) if found and seconds else None
