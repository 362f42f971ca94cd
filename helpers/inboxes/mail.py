"""One mail that arrived, taken apart. It may be anything, broken too: what cannot be read is shown as it came."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from email import policy
from email.errors import MessageError
from email.parser import BytesParser
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

from helpers.inboxes.messages import File, Message
from helpers.inboxes.visible import text_of_html

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import EmailMessage

# What the standard library's parser is known to raise on broken headers and unknown character sets.
UNREADABLE = (MessageError, ValueError, LookupError, AttributeError, TypeError)
CONTENT_ID = re.compile(r"""cid:([^"'\s)>]+)""")


@dataclass(frozen=True, eq=False)
class Mail(Message):
    """A mail with its envelope.

    Attributes:
        sender: of the envelope.
        recipients: of the envelope.
        raw: as it came.
        helo: how the other side introduced itself.

    """

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    helo: str = ""

    service: ClassVar[str] = "email"

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed anew: what is parsed takes more memory than the mail itself."""
        return BytesParser(policy=policy.default).parsebytes(self.raw)

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        """All headers, decoded, in their order."""
        return [(name, _decoded(name, value)) for name, value in self.message.raw_items()]

    def header(self, name: str) -> str:
        """Give a header, decoded; nothing where there is none."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), "")

    def text(self) -> str | None:
        """Give the text part."""
        return self._body("plain")

    def html(self) -> str | None:
        """Give the HTML part."""
        return self._body("html")

    def html_with_images(self) -> str | None:
        """Give the HTML part with its inline images in it, so that it needs nothing else."""
        html = self.html()
        images = self._images() if html else {}
        return html and CONTENT_ID.sub(lambda match: images.get(unquote(match[1]), match[0]), html)

    def files(self) -> list[File]:
        """Give the attachments."""
        try:
            return [_file(part) for part in self.message.iter_attachments()]
        except UNREADABLE:
            return []

    @property
    def to(self) -> Sequence[str]:
        """Whom the envelope names: blind copies too."""
        return self.recipients

    @property
    def title(self) -> str:
        """The subject."""
        return self.header("Subject")

    @cached_property
    def reads(self) -> str:
        """The text, or what can be read of the HTML."""
        text = self.text()
        return text if text is not None else text_of_html(self.html() or "")

    @property
    def searched(self) -> str:
        """Subject, all addresses, text, names of files."""
        names = [self.header(name) for name in ("Subject", "From", "To", "Cc", "Reply-To")]
        files = [file.filename for file in self.files()]
        return "\n".join([*names, self.sender, *self.recipients, self.reads, *files])

    @property
    def source(self) -> bytes:
        """The mail as it came."""
        return self.raw

    def more(self) -> dict[str, Any]:
        """Give headers, bodies, envelope and attachments."""
        shown = ("From", "Cc", "Reply-To", "Subject", "Date", "Message-ID")
        return {
            **{name.lower().replace("-", "_"): self.header(name) for name in shown},
            "envelope": {"sender": self.sender, "recipients": list(self.recipients)},
            "headers": [list(header) for header in self.headers],
            "text": self.text(),
            "html": self.html() is not None,
            "files": [file.told(n) for n, file in enumerate(self.files())],
        }

    def _body(self, kind: str) -> str | None:
        part = None
        try:
            part = self.message.get_body((kind,))
            return None if part is None else part.get_content()
        except UNREADABLE:
            return _payload(part).decode("utf-8", "replace") if part is not None else None

    def _images(self) -> dict[str, str]:
        """Give the inline images as `data:` URLs, by content id."""
        return {
            str(part.get("Content-ID", "")).strip("<> "): f"data:{part.get_content_type()};base64,"
            + base64.b64encode(_payload(part)).decode()
            for part in self.message.walk()
            if part.get_content_maintype() == "image"
        }


def _decoded(name: str, value: str) -> str:
    try:
        return str(policy.default.header_fetch_parse(name, value))
    except UNREADABLE:
        return "(unreadable)"


def _file(part: EmailMessage) -> File:
    return File(part.get_filename() or "", part.get_content_type(), _payload(part))


def _payload(part: EmailMessage) -> bytes:
    try:
        payload = part.get_payload(decode=True)
        return payload if isinstance(payload, bytes) else b"".join(one.as_bytes() for one in part.get_payload())
    except UNREADABLE:
        return b""
