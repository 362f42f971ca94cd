"""From a notification and its rendered texts to the bytes of a mail (RFC 5322). Pure: no clock, no network.

    multipart/mixed              only with attachments
    ├── multipart/alternative    only with both texts
    │   ├── text/plain
    │   └── multipart/related    only with inline images
    │       ├── text/html
    │       └── image/…
    └── application/…

The same draft gives the same bytes. Every attempt has the same `Message-ID`, and a `Date` of its own.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from functools import lru_cache

from dispatcher.contract.attachments import Attachment
from dispatcher.contract.base import Part
from dispatcher.contract.email import EmailNotification
from dispatcher.notifiers.email.addresses import Address, parse_sender
from dispatcher.notifiers.email.extras import extra_headers
from dispatcher.notifiers.email.headers import mailboxes, refuse_controls, words
from dispatcher.notifiers.email.mime import Entity, file_entity, multipart, text_entity
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.texts import Rendered

NOBODY = "undisclosed-recipients:;"
"""Stands in `To` where no address may be shown: an empty group (RFC 5322 3.4)."""

LONGEST_ID = 200
"""The longest id of a message that goes into `Message-ID` as it is, in characters."""

_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All that a mail is made of.

    Attributes:
        notification: what the publisher asked for.
        part: whom this mail is for, served before or not.
        rendered: the texts.
        message_id: the identity of the notification.
        author: who it is from.
        people: the addresses of the part's recipients by slot; who has none here is not shown.
        date: when it is sent.
        max_size: the largest that it may be, in bytes.

    """

    notification: EmailNotification
    part: Part
    rendered: Rendered
    message_id: str
    author: Address
    people: Mapping[int, Address]
    date: datetime
    max_size: int


def compose(draft: Draft, *, utf8: bool) -> bytes:
    """Write a mail.

    Args:
        draft: what it is made of.
        utf8: whether the server takes addresses that are not ASCII (RFC 6532); if not, recipients who have one are
            not shown, since they are not served either.

    Raises:
        Failure: the mail cannot be written (content): no subject, a line break in a header, a broken attachment, too
            large.

    """
    # Before anything is made of it: a mail is held several times over while it is written.
    _check_size(draft, least_size(draft))
    identity = message_identity(draft.message_id, draft.part, draft.author.domain)
    content = _content(draft.rendered.texts, draft.notification.attachments, identity)
    headers = [
        *_people(draft, utf8=utf8),
        f"Subject: {words(_subject(draft), len('Subject: '))}",
        f"Date: {_date(draft.date.replace(microsecond=0, tzinfo=None), draft.date.utcoffset())}",
        f"Message-ID: {identity}",
        "MIME-Version: 1.0",
        "Auto-Submitted: auto-generated",  # RFC 3834 5: so that nobody's absence note answers to it
    ]
    if draft.notification.headers:
        headers += extra_headers(draft.notification.headers)
    headers.append("")
    mail = b"".join(["\r\n".join(headers).encode("utf-8"), *content.pieces])
    _check_size(draft, len(mail))
    return mail


@lru_cache(maxsize=4)
def _date(local: datetime, offset: timedelta | None) -> str:
    """Write a date; mails of one second share it."""
    return format_datetime(local if offset is None else local.replace(tzinfo=timezone(offset)))


def message_identity(message_id: str, part: Part, domain: str) -> str:
    """Give the `Message-ID` of a part: the same at every attempt, different for each part."""
    plain = len(message_id) <= LONGEST_ID and _DOT_ATOM.fullmatch(message_id)
    left = message_id if plain else hashlib.sha256(message_id.encode("utf-8", "replace")).hexdigest()
    index = f".{part.index}" if part.of > 1 else ""
    return f"<{left}{index}@{domain}>"


def least_size(draft: Draft) -> int:
    """Give the size that the mail has at least, in bytes: the files come in base64 and leave so."""
    size = sum(map(len, draft.rendered.texts.values()))
    for one in draft.notification.attachments:
        size += len(one.content)
    return size


def _check_size(draft: Draft, size: int) -> None:
    if size > draft.max_size:
        text = f"the mail has at least {size} bytes, notifiers.email.max_size allows {draft.max_size}"
        raise Failure(Kind.CONTENT, Reason.TOO_LARGE, text)


def _subject(draft: Draft) -> str:
    """Give the subject in force: the publisher's, or the template's."""
    for field, subject in (("subject", draft.notification.subject), ("the template's subject", draft.rendered.subject)):
        if subject and subject.strip():
            return refuse_controls(field, subject.strip(" \t")).replace("\t", " ")
    raise Failure(
        Kind.CONTENT,
        Reason.NO_SUBJECT,
        f"there is no subject: neither the notification nor the template {draft.rendered.template} gives one",
    )


def _people(draft: Draft, *, utf8: bool) -> Iterable[str]:
    """Write who it is from and for; never `Bcc`."""
    yield _address_header("From", [draft.author], utf8=utf8)
    yield _recipients("To", draft, utf8=utf8) or f"To: {NOBODY}"
    copies = _recipients("Cc", draft, utf8=utf8)
    if copies:
        yield copies
    if draft.notification.reply_to is not None:
        answers = [parse_sender(text, "reply_to") for text in draft.notification.reply_addresses]
        yield _address_header("Reply-To", answers, utf8=utf8)


def _recipients(name: str, draft: Draft, *, utf8: bool) -> str:
    role, people = name.lower(), draft.people
    known = [people[one.slot] for one in draft.part.recipients if one.role == role and one.slot in people]
    shown = [address for address in known if utf8 or not address.needs_smtputf8]
    return f"{name}: {mailboxes([(one.display, one.mailbox) for one in shown], len(name) + 2)}" if shown else ""


def _address_header(name: str, addresses: Iterable[Address], *, utf8: bool) -> str:
    for address in addresses:
        if address.needs_smtputf8 and not utf8:
            text = f"{name} {address.mailbox!r} needs SMTPUTF8, which the server does not offer"
            raise Failure(Kind.CONTENT, Reason.NEEDS_SMTPUTF8, text)
    return _written(name, tuple(addresses))


@lru_cache(maxsize=64)
def _written(name: str, addresses: tuple[Address, ...]) -> str:
    """Write a header that hardly changes: most mails have the same author."""
    return f"{name}: {mailboxes([(one.display, one.mailbox) for one in addresses], len(name) + 2)}"


def _content(texts: Mapping[str, str], attachments: Iterable[Attachment], seed: str) -> Entity:
    files = [(one, file_entity(one, f"attachments.{at}")) for at, one in enumerate(attachments)]
    has_html = "html" in texts
    images = [entity for one, entity in files if has_html and one.content_id is not None]
    others = [entity for one, entity in files if not has_html or one.content_id is None]
    bodies = []
    if "txt" in texts or not has_html:
        bodies.append(text_entity(texts.get("txt", ""), "plain"))
    if has_html:
        bodies.append(multipart("related", [text_entity(texts["html"], "html"), *images], seed))
    return multipart("mixed", [multipart("alternative", bodies, seed), *others], seed)
