"""What an answer of the Bot API means: the table, as data, and the pure functions that read it.

The code decides first, then how the description begins; the class of an exception never does. A refusal that is
not in the table is content where the request was bad (400), and transient otherwise: we try again rather than lose.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.messages import harmless, shorten

QUOTED_BYTES = 300
"""The most that a failure quotes of an answer, in bytes of UTF-8."""

USUAL_WAIT = timedelta(seconds=30)
"""How long we wait where Telegram asks for it without saying how long."""

LONGEST_WAIT = timedelta(days=7)

_ADVICE = {Reason.BAD_TOKEN: "; check notifiers.telegram.token and notifiers.telegram.api_url"}
"""What to do, where the answer alone does not say it: the server answers a wrong token, and a wrong path, with 404."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A refusal.

    Attributes:
        code: `error_code`, or the status of HTTP where there is none.
        description: what Telegram says, without the words that only repeat the code.
        wait: how long it asks us to wait.
        new_chat: the id that the chat has now.
        foreign: whether it is no answer of the Bot API's, but of something that stands before it.

    """

    code: int
    description: str = ""
    wait: timedelta | None = None
    new_chat: int | None = None
    foreign: bool = False

    def __str__(self) -> str:
        return shorten(f"{self.code} {harmless(self.description)}".strip(), QUOTED_BYTES)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: it speaks about an answer if the code is one of these, and the description begins like one of those.

    Attributes:
        codes: first and last of them.
        begins: in lower case; none means any.
        kind, reason: what it means.

    """

    codes: tuple[int, int]
    begins: tuple[str, ...]
    kind: Kind
    reason: Reason

    def fits(self, answer: Answer) -> bool:
        """Tell whether this row speaks about the answer."""
        first, last = self.codes
        said = answer.description.lower()
        return first <= answer.code <= last and (not self.begins or said.startswith(self.begins))


EITHER = (400, 403)
"""Telegram gives one or the other for the same thing: some of its 403 and 406 arrive as 400."""

TABLE = (
    Row((429, 429), (), Kind.THROTTLED, Reason.RATE_LIMITED),
    Row((401, 401), (), Kind.OUTAGE, Reason.BAD_TOKEN),
    Row((404, 404), (), Kind.OUTAGE, Reason.BAD_TOKEN),
    Row((400, 400), ("logged out",), Kind.OUTAGE, Reason.BAD_TOKEN),
    Row((413, 413), (), Kind.CONTENT, Reason.TOO_LARGE),
    Row(EITHER, ("bot was blocked", "user_is_blocked", "bot can't initiate"), Kind.RECIPIENT, Reason.BLOCKED),
    Row(EITHER, ("bot was kicked", "bot is not a member"), Kind.RECIPIENT, Reason.KICKED),
    Row(EITHER, ("user is deactivated", "input_user_deactivated"), Kind.RECIPIENT, Reason.DEACTIVATED),
    Row(
        EITHER,
        (
            "chat not found",
            "user not found",
            "peer_id_invalid",
            "chat_id_invalid",
            "user_id_invalid",
            "channel_invalid",
            "channel_private",
            "group is deactivated",
            "group chat is deactivated",
            "group chat was deactivated",
            "group chat was deleted",
            "the group chat was deleted",
            "group chat was upgraded",
            "message thread not found",
        ),
        Kind.RECIPIENT,
        Reason.CHAT_NOT_FOUND,
    ),
    Row(
        EITHER,
        (
            "not enough rights",
            "have no rights",
            "need administrator rights",
            "topic_closed",
            "topic_deleted",
            "chat_write_forbidden",
            "chat_restricted",
            "chat_admin_required",
            "chat_guest_send_forbidden",
            "chat_send_",
            "user_banned_in_channel",
            "user_restricted",
        ),
        Kind.RECIPIENT,
        Reason.NO_RIGHTS,
    ),
    Row((403, 403), (), Kind.RECIPIENT, Reason.REFUSED),
    Row((400, 400), ("can't parse entities", "can't parse caption entities"), Kind.CONTENT, Reason.BAD_MARKUP),
    Row((400, 400), ("entity_", "entities_too_long"), Kind.CONTENT, Reason.BAD_MARKUP),
    Row(
        (400, 400),
        (
            "message is too long",
            "message caption is too long",
            "message_too_long",
            "media_caption_too_long",
            "text is too long",
            "file is too big",
            "request entity too large",
        ),
        Kind.CONTENT,
        Reason.TOO_LARGE,
    ),
    Row((400, 400), ("message text is empty", "text must be non-empty", "message_empty"), Kind.CONTENT, Reason.NO_TEXT),
    Row(
        (400, 400),
        (
            "wrong file identifier",
            "wrong remote file",
            "wrong type of the web page",
            "failed to get http url",
            "wrong url host",
            "file must be non-empty",
            "there is no photo",
            "there is no document",
            "photo_",
            "image_process_failed",
            "webpage_",
            "wrong padding",
        ),
        Kind.CONTENT,
        Reason.BAD_ATTACHMENT,
    ),
    Row((400, 400), (), Kind.CONTENT, Reason.CONTENT_REFUSED),
    Row((0, 999), (), Kind.TRANSIENT, Reason.SERVICE_ERROR),
)
"""The first row that fits decides."""


_REPEATED = re.compile(r"\A(?:error|bad request|forbidden|conflict|too many requests): *", re.IGNORECASE)


def read_answer(status: int, fields: Mapping[str, object]) -> Answer:
    """Read the fields of a refusal; nothing in them is certain to be what it should."""
    code, said, more = fields.get("error_code"), fields.get("description"), fields.get("parameters")
    if not isinstance(more, dict):
        more = {}
    wait, chat = _number(more.get("retry_after")), _number(more.get("migrate_to_chat_id"))
    return Answer(
        _number(code) or status,
        _REPEATED.sub("", said, count=1) if isinstance(said, str) else "",
        None if wait is None else min(timedelta(seconds=min(max(wait, 0), 10**9)), LONGEST_WAIT),
        chat,
        foreign="ok" not in fields,
    )


def judge(answer: Answer, server: str, about: str = "") -> Failure:
    """Say what a refusal means, of what was asked `about`.

    What a proxy thinks of a request says nothing about the recipient or the text.
    """
    rows = TABLE[-1:] if answer.foreign and answer.code in EITHER else TABLE
    row = next(row for row in rows if row.fits(answer))
    wait = (answer.wait or USUAL_WAIT) if row.kind is Kind.THROTTLED else None
    text = f"{server} answered {about}with: {answer}{_ADVICE.get(row.reason, '')}"
    return Failure(row.kind, row.reason, text, wait=wait)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
