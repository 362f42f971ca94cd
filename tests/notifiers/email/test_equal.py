"""A mail of ours says to its reader what the standard library's own says: over a thousand drafts, written by both.

Both are read by the standard library. Where they differ, ours has to be what the draft meant, and the difference is
one of those that `KNOWN` names.
"""

import base64
import re
from collections.abc import Callable
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address as Mailbox
from email.headerregistry import Group
from email.message import EmailMessage, Message
from email.utils import getaddresses
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.contract.attachments import Attachment
from dispatcher.notifiers.email.addresses import Address, parse_sender
from dispatcher.notifiers.email.compose import Draft, compose
from dispatcher.notifiers.email.headers import LINE, LONGEST_LINE
from tests.notifiers.email.examples import draft_of, texts

KNOWN = {"subject", "from", "to", "cc", "reply-to", "extra", "filename", "message-id"}
"""What the standard library folds wrongly: spaces beside encoded words are lost or doubled, long words cut."""

thorough = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

LETTERS = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn", "Co"))
WORDS = st.sampled_from(
    ["Grüße", "Rechnung", "😀", "=?utf-8?q?x?=", "a" * 80, "ü" * 40, "x=1;", '"so"', "it's", "-", "漢字"]
)
line = st.one_of(st.lists(WORDS, min_size=1, max_size=25).map(" ".join), st.text(LETTERS, min_size=1, max_size=120))

PIECES = [
    *(
        "\n",
        "\r\n",
        "\r",
        "\n.\n",
        "..",
        ".",
        " \n",
        "\t\n",
        "  ",
        "=",
        "=20",
        "=\n",
        "From x\n",
        "--=_\n",
        "\0",
        "\u2028",
    ),
    *("ü", "Löwe", "😀", "漢字", "\ud800", "\x85", "\v", "<p>", "a" * 74, "a" * 75, "a" * 76, "b" * 77, "word " * 20),
    *("c" * 997, "d" * 998, "e" * 999, "ö" * 400, "=" * 80, "é=" * 40, " " * 80, 'href="https://example.org/?a=b"'),
]
body = st.one_of(
    st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=30).map("".join), st.text(max_size=300)
)

LOCALS = ["ada", "a.b", "ada+tag", "INFO", '"a b"', '"a\\"b"', "grüße", "o'neil", "x" * 64]
DOMAINS = ["example.org", "bücher.example", "localhost", "EXAMPLE.org", "xn--bcher-kva.example", "a." * 20 + "example"]
NAMES = [
    "Ada",
    "Lovelace, Ada",
    "Jürgen Groß",
    "Dr. (Ada) L",
    "it's [me]; you",
    "a" * 90,
    "ü" * 60,
    "😀 x",
    "a  b",
    "\\o/",
]
mailbox = st.builds("{}@{}".format, st.sampled_from(LOCALS), st.sampled_from(DOMAINS))
named = st.builds('"{}" <{}>'.format, st.sampled_from(NAMES).map(lambda name: name.replace("\\", "\\\\")), mailbox)
address = mailbox | named | st.builds("{} <{}>".format, st.sampled_from(["Ada L", "Groß, Jürgen"]), mailbox)
author = address.filter(lambda text: "grüße" not in text)
several = st.lists(address, min_size=1, max_size=8)

FILES = [
    "a.pdf",
    "Übersicht.csv",
    "a b.txt",
    "x" * 120 + ".png",
    "ü" * 50,
    'a"b',
    "100 %",
    "a;b=c",
    "漢字.html",
    "it's",
]
TYPES = ["application/pdf", "image/png", "text/plain", "text/csv", "application/octet-stream", "application/vnd.a+b"]
IDS = st.none() | st.sampled_from(["logo", "logo@example.org", "<in.brackets>", "a/b"])
attachment = st.builds(
    lambda content, **fields: {**fields, "content": base64.b64encode(content).decode()},
    content=st.binary(max_size=300) | st.sampled_from([b"", b"\r\n.\r\n", bytes(range(256)) * 9]),
    filename=st.sampled_from(FILES),
    content_type=st.sampled_from(TYPES),
    content_id=IDS,
)

EXTRAS = st.fixed_dictionaries(
    {},
    optional={
        "List-Unsubscribe": st.sampled_from(
            ["<https://example.org/u?x=1>", f"<https://example.org/{'u' * 300}>, <mailto:a@b.c>"]
        ),
        "X-Note": line.filter(lambda text: "=?" not in text),  # those are left to the publisher
        "References": st.lists(st.sampled_from(["<a@example.org>", "<" + "b" * 90 + "@example.org>"])).map(" ".join),
        "Feedback-ID": st.just("a:b:c"),
    },
)


SEVEN_BITS = policy.SMTP.clone(cte_type="7bit")
NAMED = {"list-unsubscribe", "x-note", "references", "feedback-id"}


def standard(draft: Draft) -> bytes:
    """Write a draft with the standard library, as its documentation shows."""
    asked, mail = draft.notification, EmailMessage(policy=SEVEN_BITS)
    mail["From"] = _mailbox(draft.author)
    mail["To"] = [_mailbox(one) for one in _shown(draft, "to")] or Group("undisclosed-recipients")
    for name, people in (("Cc", _shown(draft, "cc")), ("Reply-To", _answers(draft))):
        if people:
            mail[name] = [_mailbox(one) for one in people]
    mail["Subject"] = asked.subject.strip(" ")
    mail["Date"] = draft.date
    mail["Message-ID"] = f"<{draft.message_id}@{draft.author.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    for name, value in asked.headers.items():
        mail[name] = value.strip(" ")
    _fill(mail, {subtype: _meant_text(text) for subtype, text in draft.rendered.texts.items()}, asked.attachments)
    return mail.as_bytes()


def _fill(mail: EmailMessage, by_format: dict[str, str], attachments: list[Attachment]) -> None:
    inline = [one for one in attachments if one.content_id is not None and "html" in by_format]
    shown: EmailMessage = mail
    if "txt" in by_format or "html" not in by_format:
        mail.set_content(by_format.get("txt", ""))
    if "html" in by_format and "txt" in by_format:
        mail.add_alternative(by_format["html"], subtype="html")
        shown = mail.get_payload()[1]
    elif "html" in by_format:
        mail.set_content(by_format["html"], subtype="html")
    for one in inline:
        _add(shown.add_related, one)
    for one in attachments:
        if one not in inline:
            _add(mail.add_attachment, one)


def _add(add: Callable[..., None], one: Attachment) -> None:
    main, _, sub = one.content_type.partition("/")
    cid = {} if one.content_id is None else {"cid": _bracketed(one.content_id)}
    disposition = "attachment" if one.content_id is None else "inline"
    add(base64.b64decode(one.content), main, sub, filename=one.filename, disposition=disposition, **cid)


def _mailbox(one: Address) -> Mailbox:
    local = re.sub(r"\\(.)", r"\1", one.local[1:-1]) if one.local.startswith('"') else one.local
    return Mailbox(one.display, local, one.domain)


def _shown(draft: Draft, role: str) -> list[Address]:
    """Give who can be shown to a server that takes ASCII only."""
    people = [draft.people[one.slot] for one in draft.part.recipients if one.role == role]
    return [one for one in people if one.local.isascii()]


def _answers(draft: Draft) -> list[Address]:
    return [parse_sender(text, "reply_to") for text in draft.notification.reply_addresses]


def _bracketed(content_id: str) -> str:
    return f"<{content_id.removeprefix('<').removesuffix('>')}>"


def _meant_text(text: str) -> str:
    """Give the text with the ends of lines that it has on its way, and without what no encoding can hold."""
    lines = re.sub("\r\n|\r|\n", "\r\n", text).encode("utf-8", "replace").decode()
    return lines if lines.endswith("\r\n") else f"{lines}\r\n"


def meant(draft: Draft) -> dict[str, Any]:
    """Give what a reader should see."""
    asked = draft.notification
    people = {"from": [draft.author], "to": _shown(draft, "to"), "cc": _shown(draft, "cc"), "reply-to": _answers(draft)}
    by_format = dict(draft.rendered.texts) if "html" in draft.rendered.texts else {"txt": "", **draft.rendered.texts}
    return {
        **{name: [(one.display, one.mailbox) for one in them] for name, them in people.items()},
        "subject": asked.subject.strip(" "),
        "date": "Sun, 01 Mar 2026 12:30:00 +0000",
        "message-id": f"<{draft.message_id}@{draft.author.domain}>",
        "extra": {name.lower(): value.strip(" ") for name, value in asked.headers.items()},
        "texts": [_meant_text(by_format[one]) for one in ("txt", "html") if one in by_format],
        "files": sorted(
            (
                one.content_type,
                "inline" if one.content_id is not None else "attachment",
                one.content_id and _bracketed(one.content_id),
                base64.b64decode(one.content),
            )
            for one in asked.attachments
        ),
        "filenames": sorted(one.filename for one in asked.attachments),
    }


def seen(raw: bytes) -> dict[str, Any]:
    """Give what a reader sees."""
    message = message_from_bytes(raw, policy=policy.SMTP)
    leaves = [part for part in message.walk() if not part.is_multipart()]
    bodies = [part for part in leaves if part.get_content_disposition() is None]
    files = [part for part in leaves if part.get_content_disposition() is not None]
    return {
        **{name: _people(raw, name) for name in ("from", "to", "cc", "reply-to")},
        "subject": message["Subject"],
        "date": message["Date"],
        "message-id": message["Message-ID"],
        "extra": {name.lower(): value for name, value in message.items() if name.lower() in NAMED},
        "texts": [part.get_payload(decode=True).decode(part.get_content_charset()) for part in bodies],
        "files": sorted(
            (
                part.get_content_type(),
                part.get_content_disposition(),
                part["Content-ID"],
                part.get_payload(decode=True),
            )
            for part in files
        ),
        "filenames": sorted(part.get_filename() for part in files),
    }


def _people(raw: bytes, name: str) -> list[tuple[str, str]]:
    """Read with the older parser: the newer one of Python 3.11 puts a space between the encoded words of a name."""
    field = message_from_bytes(raw)[name]
    pairs = getaddresses([field]) if field and not field.endswith(":;") else []
    return [(str(make_header(decode_header(name))), address) for name, address in pairs]


def structure(message: Message) -> Any:
    if not message.is_multipart():
        return message.get_content_type()
    return [message.get_content_type(), *map(structure, message.get_payload())]


def _is_broken_off(raw: bytes) -> bool:
    """Tell whether the headers end too soon: the standard library writes an empty line before some long names."""
    return message_from_bytes(raw)["MIME-Version"] is None


def check(draft: Draft) -> None:
    ours, theirs = compose(draft, utf8=False), standard(draft)

    read = seen(ours)
    assert meant(draft) == read
    if not _is_broken_off(theirs):
        reference = seen(theirs)
        assert structure(message_from_bytes(theirs)) == structure(message_from_bytes(ours))
        assert {name for name in read if reference[name] != read[name]} <= KNOWN
    assert ours.isascii()
    assert b"\0" not in ours
    lines = ours.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert max(map(len, lines)) <= LONGEST_LINE
    for line in lines[: lines.index(b"")]:
        assert len(line) <= LINE + 2 or b" " not in line.strip().partition(b": ")[2], line


@thorough
@given(
    by_format=st.fixed_dictionaries({}, optional={"txt": body, "html": body}), files=st.lists(attachment, max_size=3)
)
def test_bodies_and_files_are_read_as_those_of_the_standard_library(by_format, files):
    check(draft_of(texts(**by_format), attachments=files, subject="Hello"))


@thorough
@given(
    subject=line.filter(str.strip),
    message_id=st.sampled_from(["id-1", "a.b", "x" * 200]),
    people=st.fixed_dictionaries(
        {"to": several, "from": author},
        optional={"cc": several, "bcc": several, "reply_to": st.lists(author, min_size=1)},
    ),
    headers=EXTRAS,
)
def test_headers_are_read_as_those_of_the_standard_library(subject, message_id, people, headers):
    check(draft_of(texts(txt="Hello"), message_id, subject=subject, headers=headers, **people))
