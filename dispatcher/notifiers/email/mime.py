"""The parts of a mail: texts, files, and what holds them together (RFC 2045, RFC 2046). Pure functions.

Everything is written with CR LF and in seven bits, so that no server needs to offer 8BITMIME for it.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from itertools import chain
from struct import Struct
from typing import NamedTuple

from dispatcher.contract.attachments import Attachment
from dispatcher.notifiers.email.headers import LINE, LONGEST_LINE, parameter, refuse_controls
from dispatcher.words.errors import Failure, Kind, Reason

QUOTABLE = 2_000
"""Up to so many bytes a text outside ASCII is quoted-printable: base64 says nothing to a person, and costs a third."""

_ASCII = bytes(range(128))
_LINES = Struct(f"{LINE}s" * 8)
_SPACE = re.compile(r"[ \t\r\n]+")
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"  # noqa: S105 (a token of RFC 2045, not a secret)
_PARAMETER = rf' *; *({_TOKEN})=({_TOKEN}|"[^"\\]*")'
_CONTENT_TYPE = re.compile(rf"({_TOKEN})/({_TOKEN})((?:{_PARAMETER})*)")
_PARAMETERS = re.compile(_PARAMETER)
_CONTENT_ID = re.compile(r"[!-;=?-~]{1,200}")  # printable ASCII without space, `<` and `>`


class Entity(NamedTuple):
    """A part of a mail, or its whole.

    Attributes:
        content_type: its type and subtype.
        pieces: what it is written as, one after the other: header lines, an empty line, and the body.
        encoded: whether no line of it can be a boundary: `=_` stands in no base64 and in no quoted-printable text.

    """

    content_type: str
    pieces: list[bytes]
    encoded: bool = True


def text_entity(text: str, subtype: str) -> Entity:
    """Make a part of a text; `subtype` is `plain` or `html`."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.endswith("\n"):
        text += "\n"
    raw = text.encode("utf-8", "replace")
    charset = "us-ascii" if raw.isascii() else "utf-8"
    encoding, body = _encode(raw)
    head = (
        f'Content-Type: text/{subtype}; charset="{charset}"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'.encode()
    )
    return Entity(f"text/{subtype}", [head, body], encoding != "7bit")


def file_entity(attachment: Attachment, place: str) -> Entity:
    """Make a part of an attachment; `place` names it in a failure: `attachments.0`.

    Raises:
        Failure: the file is no base64, its type is none (content, bad-attachment), or a control character stands in
            what would be a header (content, bad-header).

    """
    filename = refuse_controls(f"{place}.filename", attachment.filename, allowed="")
    content_type = _content_type(attachment.content_type, f"{place}.content_type")
    disposition = "attachment" if attachment.content_id is None else "inline"
    headers = [
        f"Content-Type: {content_type}",
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: {disposition}{parameter('filename', filename)}",
    ]
    if attachment.content_id is not None:
        headers.append(f"Content-ID: <{_content_id(attachment.content_id, f'{place}.content_id')}>")
    head = "\r\n".join([*headers, "", ""]).encode("ascii")
    return Entity(content_type.partition(";")[0], [head, _base64(_decode(attachment.content, f"{place}.content"))])


def multipart(subtype: str, parts: Sequence[Entity], seed: str) -> Entity:
    """Hold parts together, or give the only one back as it is.

    Args:
        subtype: `alternative`, `related` or `mixed`.
        parts: at least one.
        seed: makes the boundary, so that the same mail is the same bytes at every attempt.

    """
    if len(parts) == 1:
        return parts[0]
    boundary = _boundary(f"{subtype} {seed}", parts)
    kind = f'; type="{parts[0].content_type}"' if subtype == "related" else ""
    mark = f"--{boundary}\r\n".encode("ascii")
    pieces = [f'Content-Type: multipart/{subtype}{kind};\r\n boundary="{boundary}"\r\n\r\n'.encode("ascii")]
    for part in parts:
        pieces.append(mark)
        pieces += part.pieces
        pieces.append(b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode("ascii"))
    return Entity(f"multipart/{subtype}", pieces, all(part.encoded for part in parts))


def _boundary(seed: str, parts: Sequence[Entity]) -> str:
    """Find a line that occurs in none of the parts (RFC 2046 5.1.1)."""
    boundary = f"=_{hashlib.sha256(seed.encode('utf-8', 'replace')).hexdigest()[:32]}"
    raw = boundary.encode("ascii")
    taken = any(raw in piece for part in parts if not part.encoded for piece in part.pieces)
    return _boundary(boundary, parts) if taken else boundary


def _encode(raw: bytes) -> tuple[str, bytes]:
    """Choose the encoding that leaves the most to be read in the source: as it is, quoted-printable, base64.

    Args:
        raw: lines that end with LF; they get their CR LF here.

    """
    lines = raw.replace(b"\n", b"\r\n")
    if raw.isascii() and b"\0" not in raw and _fits_in_lines(raw):
        return "7bit", lines
    if len(raw) > QUOTABLE or len(raw.translate(None, _ASCII)) * 3 > len(raw):
        return "base64", _base64(lines)
    return "quoted-printable", binascii.b2a_qp(lines, istext=True)


def _fits_in_lines(raw: bytes) -> bool:
    """Tell whether no line is longer than any server takes; each look finds the last end of a line within reach."""
    begin, end = 0, len(raw)
    while end - begin > LONGEST_LINE:
        begin = raw.rfind(b"\n", begin, begin + LONGEST_LINE + 1) + 1
        if not begin:
            return False
    return True


def _base64(raw: bytes) -> bytes:
    """Write lines of 76 characters; `struct` cuts most of them, in a third of the time that a loop takes."""
    written = binascii.b2a_base64(raw, newline=False)
    cut = len(written) - len(written) % _LINES.size
    lines = [*chain.from_iterable(_LINES.iter_unpack(memoryview(written)[:cut]))]
    lines += [written[at : at + LINE] for at in range(cut, len(written), LINE)]
    lines.append(b"")
    return b"\r\n".join(lines)


def _decode(content: str, field: str) -> bytes:
    try:
        return base64.b64decode(_SPACE.sub("", content), validate=True)
    except ValueError as error:  # binascii.Error is one, and characters outside ASCII raise it too
        raise _bad(field, f"is not base64: {error}") from error


def _content_type(text: str, field: str) -> str:
    refuse_controls(field, text, allowed="")
    found = _CONTENT_TYPE.fullmatch(text)
    if not found or len(text) > LONGEST_LINE - len("Content-Type: "):
        raise _bad(field, "is not a MIME type like application/pdf")
    if found[1].lower() in {"multipart", "message"}:
        raise _bad(field, "must not be multipart/… or message/…; application/octet-stream carries any file")
    if text.isascii():
        return text
    parameters = (_rewritten(one[1], one[2], field) for one in _PARAMETERS.finditer(found[3]))
    return f"{found[1]}/{found[2]}{''.join(parameters)}"


def _rewritten(name: str, value: str, field: str) -> str:
    """Write a parameter of a content type anew; it is a token, or stands in quotes."""
    if value.isascii():
        return f";\r\n {name}={value}"
    if "*" in name:
        raise _bad(field, f"has letters outside ASCII in {name}, whose asterisk says that there are none")
    return parameter(name, value.strip('"'))


def _content_id(text: str, field: str) -> str:
    refuse_controls(field, text, allowed="")
    plain = text.removeprefix("<").removesuffix(">")
    if not _CONTENT_ID.fullmatch(plain):
        raise Failure(
            Kind.CONTENT, Reason.BAD_HEADER, f"{field} must be ASCII letters, digits and signs, without spaces and < >"
        )
    return plain


def _bad(field: str, what: str) -> Failure:
    return Failure(Kind.CONTENT, Reason.BAD_ATTACHMENT, f"{field} {what}")
