"""The parts of a mail: texts, files, and what holds them together (RFC 2045, RFC 2046). Pure functions.

Everything is written with CR LF and in seven bits, so that no server needs to offer 8BITMIME for it.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.contract.attachments import Attachment
from dispatcher.notifiers.email.headers import LONGEST_LINE, parameter, refuse_controls
from dispatcher.words.errors import Failure, Kind, Reason

_ASCII = bytes(range(128))
_NEWLINE = re.compile(r"\r\n|\r|\n")
_SPACE = re.compile(r"[ \t\r\n]+")
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"  # noqa: S105 (a token of RFC 2045, not a secret)
_PARAMETER = rf' *; *({_TOKEN})=({_TOKEN}|"[^"\\]*")'
_CONTENT_TYPE = re.compile(rf"({_TOKEN})/({_TOKEN})((?:{_PARAMETER})*)")
_PARAMETERS = re.compile(_PARAMETER)
_CONTENT_ID = re.compile(r"[!-;=?-~]{1,200}")  # printable ASCII without space, `<` and `>`


@dataclass(frozen=True, slots=True)
class Entity:
    """A part of a mail, or its whole: header lines without the last CR LF, and the body."""

    headers: tuple[str, ...]
    body: bytes

    def __bytes__(self) -> bytes:
        return "\r\n".join(self.headers).encode("ascii") + b"\r\n\r\n" + self.body


def text_entity(text: str, subtype: str) -> Entity:
    """Make a part of a text; `subtype` is `plain` or `html`."""
    whole = _NEWLINE.sub("\r\n", text)
    raw = (whole if whole.endswith("\r\n") else f"{whole}\r\n").encode("utf-8", "replace")
    encoding, body = _encode(raw)
    charset = "us-ascii" if raw.isascii() else "utf-8"
    return Entity(
        (f'Content-Type: text/{subtype}; charset="{charset}"', f"Content-Transfer-Encoding: {encoding}"), body
    )


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
    return Entity(tuple(headers), _base64(_decode(attachment.content, f"{place}.content")))


def multipart(subtype: str, parts: Sequence[Entity], seed: str) -> Entity:
    """Hold parts together, or give the only one back as it is.

    Args:
        subtype: `alternative`, `related` or `mixed`.
        parts: at least one.
        seed: makes the boundary, so that the same mail is the same bytes at every attempt.

    """
    if len(parts) == 1:
        return parts[0]
    raws = [bytes(part) for part in parts]
    boundary = _boundary(f"{subtype} {seed}", raws)
    mark = f"--{boundary}".encode("ascii")
    body = b"".join(mark + b"\r\n" + raw + b"\r\n" for raw in raws) + mark + b"--\r\n"
    kind = f'; type="{parts[0].headers[0].partition(": ")[2].partition(";")[0]}"' if subtype == "related" else ""
    return Entity((f'Content-Type: multipart/{subtype}{kind};\r\n boundary="{boundary}"',), body)


def _boundary(seed: str, raws: Sequence[bytes]) -> str:
    """Find a line that occurs in none of the parts; `=_` keeps it out of base64 and quoted-printable (RFC 2045 6.7)."""
    boundary = f"=_{hashlib.sha256(seed.encode('utf-8', 'replace')).hexdigest()[:32]}"
    taken = any(boundary.encode("ascii") in raw for raw in raws)
    return _boundary(boundary, raws) if taken else boundary


def _encode(raw: bytes) -> tuple[str, bytes]:
    """Choose the encoding that leaves the most to be read in the source: as it is, quoted-printable, base64."""
    if raw.isascii() and b"\0" not in raw and max(map(len, raw.split(b"\r\n"))) <= LONGEST_LINE:
        return "7bit", raw
    if len(raw.translate(None, _ASCII)) * 3 > len(raw):
        return "base64", _base64(raw)
    return "quoted-printable", binascii.b2a_qp(raw, istext=True)


def _base64(raw: bytes) -> bytes:
    return base64.encodebytes(raw).replace(b"\n", b"\r\n")


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
