"""One mail that was caught, taken apart. It may be anything, broken too: what cannot be read is shown as it came."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.errors import MessageError
from email.parser import BytesParser
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from email.message import EmailMessage

# What the standard library's parser is known to raise on broken headers and unknown character sets.
UNREADABLE = (MessageError, ValueError, LookupError, AttributeError, TypeError)
CONTENT_ID = re.compile(r"""cid:([^"'\s)>]+)""")


@dataclass(frozen=True)
class Mail:
    """A mail with its envelope.

    Attributes:
        number: counted from 1 since the catcher started.
        arrived: seconds since the epoch.
        sender: of the envelope.
        recipients: of the envelope.
        raw: as it came.

    """

    number: int
    arrived: float
    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        return BytesParser(policy=policy.default).parsebytes(self.raw)

    def header(self, name: str) -> str:
        """Give a header, decoded; nothing where there is none."""
        try:
            return str(self.message[name] or "")
        except UNREADABLE:
            return "(unreadable)"

    def headers(self) -> list[tuple[str, str]]:
        """Give all headers, decoded, in their order."""
        try:
            return [(name, str(value)) for name, value in self.message.items()]
        except UNREADABLE:
            return [("(unreadable headers)", "see the source")]

    def text(self) -> str | None:
        """Give the text part."""
        return self._body("plain")

    def html(self) -> str | None:
        """Give the HTML part."""
        return self._body("html")

    def html_with_images(self) -> str | None:
        """Give the HTML part with its inline images in it, so that it needs nothing else."""
        html = self.html()
        return html and CONTENT_ID.sub(lambda match: self._image(match[1]) or match[0], html)

    def files(self) -> list[tuple[str, str]]:
        """Give name and type of each attachment."""
        try:
            return [(part.get_filename() or "", part.get_content_type()) for part in self.message.iter_attachments()]
        except UNREADABLE:
            return []

    @property
    def source(self) -> str:
        """The mail as it came, as text."""
        return self.raw.decode("utf-8", "replace")

    def summary(self) -> dict[str, Any]:
        """Give what the JSON list says of it."""
        names = {"message_id": "Message-ID", "subject": "Subject", "from": "From", "to": "To"}
        return {
            "id": self.number,
            "arrived": datetime.fromtimestamp(self.arrived, UTC).isoformat(),
            "sender": self.sender,
            "recipients": list(self.recipients),
            **{key: self.header(name) for key, name in names.items()},
            "size": len(self.raw),
        }

    def _body(self, kind: str) -> str | None:
        part = None
        try:
            part = self.message.get_body((kind,))
            return None if part is None else part.get_content()
        except UNREADABLE:
            payload = part.get_payload(decode=True) if part is not None else None
            return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else None

    def _image(self, content_id: str) -> str | None:
        for part in self.message.walk():
            if str(part.get("Content-ID", "")).strip("<> ") == content_id and part.get_content_maintype() == "image":
                content = base64.b64encode(part.get_payload(decode=True) or b"").decode()
                return f"data:{part.get_content_type()};base64,{content}"
        return None
