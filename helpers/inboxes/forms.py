"""The body of a request, however it was written: JSON, a form, a form with files."""

from __future__ import annotations

import json
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from helpers.inboxes.messages import File

if TYPE_CHECKING:
    from aiohttp import web


class Form(NamedTuple):
    """What was sent.

    Attributes:
        fields: by name; values of JSON are what they are, those of a form are strings.
        files: by the name of their field.
        raw: as it came.

    """

    fields: dict[str, Any]
    files: dict[str, File]
    raw: bytes


async def read(request: web.Request) -> Form:
    """Read the query and the body; raise `ValueError` where it is not what its content type says."""
    raw = await request.read()
    fields: dict[str, Any] = dict(request.query)
    files: dict[str, File] = {}
    if request.content_type == "application/json":
        body = json.loads(raw or b"{}")
        if not isinstance(body, dict):
            raise ValueError("not an object")
        fields |= body
    elif request.content_type == "multipart/form-data":
        values, files = _multipart(raw, request.headers["Content-Type"])
        fields |= values
    elif request.content_type == "application/x-www-form-urlencoded":
        fields |= parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)
    return Form(fields, files, raw)


def nested(value: Any) -> Any:
    """Give a value that forms write as JSON in a string; raise `ValueError` where it is none."""
    return json.loads(value) if isinstance(value, str) else value


def truth(value: Any) -> bool:
    """Read yes or no, as forms write it too."""
    return value.lower() in {"true", "yes", "1"} if isinstance(value, str) else bool(value)


def _multipart(raw: bytes, content_type: str) -> tuple[dict[str, str], dict[str, File]]:
    boundary = _header(content_type).get_boundary()
    if not boundary:
        raise ValueError("no boundary")
    values: dict[str, str] = {}
    files: dict[str, File] = {}
    for part in (b"\r\n" + raw).split(b"\r\n--" + boundary.encode())[1:]:
        if part.startswith(b"--"):
            break
        head, _, content = part.partition(b"\r\n\r\n")
        headers = dict(_split(line) for line in head.decode("utf-8", "replace").splitlines() if ":" in line)
        disposition = _header(headers.get("content-disposition", ""))
        # Not `get_filename`: that takes the name of a field for one where there is none.
        name, filename = disposition.get_param("name"), disposition.get_param("filename")
        if filename is not None:
            files[str(name)] = File(
                collapse_rfc2231_value(filename), headers.get("content-type", "application/octet-stream"), content
            )
        else:
            values[str(name)] = content.decode("utf-8", "replace")
    return values, files


def _split(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _header(value: str) -> Message:
    header = Message()
    header["Content-Type"] = value
    return header
