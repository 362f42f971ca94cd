"""The picture or file of a message: an address that Telegram fetches, or what is uploaded."""

import base64
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from dispatcher.contract.attachments import File
from dispatcher.contract.base import malformed
from dispatcher.contract.telegram import TelegramNotification
from dispatcher.words.errors import Failure, Kind, Reason

LIMITS = {"photo": 10 * 1024 * 1024, "document": 50 * 1024 * 1024}
"""Bytes that a bot may upload, by field (Bot API, "Sending files")."""

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a message.

    Attributes:
        field: `photo` or `document`.
        content: its bytes, or the address of it.
        filename: where there are bytes.

    """

    field: str
    content: bytes | str
    filename: str = ""


def attached(notification: TelegramNotification) -> Attached | None:
    """Give the file of a notification, if it has one.

    Raises:
        Failure: it is none, or too large (content).

    """
    for field, given in (("photo", notification.photo), ("document", notification.document)):
        if isinstance(given, File):
            return Attached(field, _decoded(field, given), given.filename)
        if given is not None:
            return Attached(field, web_address(given, f"{field}: "))
    return None


def web_address(address: str, place: str, *, schemes: frozenset[str] = frozenset({"http", "https"})) -> str:
    """Check an address. Any other may be a file of this machine, or of the server's, to a library that means well.

    Raises:
        Failure: it is none (content).

    """
    try:
        parts = urlsplit(address)
        sound = parts.scheme.lower() in schemes and bool(parts.netloc)
    except ValueError:
        sound = False
    if not sound or not address.isprintable():
        raise malformed(f"{place}must begin with {' or '.join(f'{scheme}://' for scheme in sorted(schemes))}")
    return address


def _decoded(field: str, file: File) -> bytes:
    limit = LIMITS[field]
    if len(file.content) // 4 * 3 > limit + limit // 8:  # line breaks in it do not count, and are never so many
        raise _too_large(field, f"more than {limit:,}")
    try:
        content = base64.b64decode(_SPACE.sub("", file.content), validate=True)
    except ValueError as error:
        text = f"{field}.content is not base64: {error}"
        raise Failure(Kind.CONTENT, Reason.BAD_ATTACHMENT, text) from None
    if not content:
        raise Failure(Kind.CONTENT, Reason.BAD_ATTACHMENT, f"{field}.content: the file is empty")
    if len(content) > limit:
        raise _too_large(field, f"{len(content):,}")
    return content


def _too_large(field: str, size: str) -> Failure:
    text = f"{field}: the file has {size} bytes, Telegram takes {LIMITS[field]:,} at most"
    return Failure(Kind.CONTENT, Reason.TOO_LARGE, text)
