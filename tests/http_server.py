"""An HTTP server that does what a test tells it to: a real socket, real TLS, and a script.

    async with HttpServer() as server:
        server.answer("sendMessage", Answer(429, {"ok": False}), CUT)  # once each, then as usual
        server.answer("getMe", Answer(401, "no"), always=True)
        ...
        server.requests[0].fields["chat_id"]

What is not scripted is answered with the server's `default`.
"""

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from enum import Enum
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.scripted_server import ScriptedServer, hang


class Deed(Enum):
    """What a server may do instead of answering."""

    CUT = "end the connection without an answer"
    CUT_BODY = "end the connection in the middle of the answer's body"
    HANG = "say nothing until the other side gives up"
    GARBAGE = "answer with something that is no HTTP"


CUT, CUT_BODY, HANG, GARBAGE = Deed.CUT, Deed.CUT_BODY, Deed.HANG, Deed.GARBAGE


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        status: the code.
        body: what is not text or bytes is sent as JSON.
        headers: more of them; they win over those that are made of the body.
        pause: seconds before it is given.

    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0

    def written(self) -> bytes:
        """Give it as it goes over the wire."""
        kind, body = "application/json", self.body
        if isinstance(body, str):
            kind, body = "text/html; charset=utf-8", body.encode()
        elif not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), **self.headers}
        phrase = HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else "Strange"
        lines = [f"HTTP/1.1 {self.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
        return "".join(f"{line}\r\n" for line in [*lines, ""]).encode() + body


Deeds = Answer | Deed


@dataclass(frozen=True)
class Upload:
    """A file of a form."""

    filename: str
    content_type: str
    content: bytes


@dataclass
class Request:
    """A request as it was taken.

    Attributes:
        connection: the number of the connection, from 0.
        method, path: without the query; as it was written, percent signs and all.
        query: the fields in the address.
        headers: by their names in lower case.
        body: without the marks of chunks.

    """

    connection: int
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    @cached_property
    def fields(self) -> dict[str, str]:
        """The fields of a form of either kind, files aside, or of JSON."""
        if self._kind == "application/json":
            return dict(self.json) if self.body else {}
        if self._kind == "application/x-www-form-urlencoded":
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=bool(self.body)))
        return {name: content.decode() for name, filename, _, content in self._parts if filename is None}

    @cached_property
    def files(self) -> dict[str, Upload]:
        """The files of a form."""
        return {
            name: Upload(filename, kind, content)
            for name, filename, kind, content in self._parts
            if filename is not None
        }

    @property
    def _kind(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def _parts(self) -> list[tuple[str, str | None, str, bytes]]:
        if self._kind != "multipart/form-data":
            return []
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        form = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + self.body)
        return [
            (
                part.get_param("name", header="content-disposition"),
                part.get_filename(),
                part.get_content_type(),
                part.get_payload(decode=True),
            )
            for part in form.iter_parts()
        ]


class HttpServer(ScriptedServer):
    """The server; an asynchronous context manager, on a free port of 127.0.0.1.

    Args:
        default: the answer to what no script speaks of, or what gives it.
        tls: the server's context.

    Attributes:
        requests: all that were read whole, in this order.
        connections: how many there were.

    """

    def __init__(
        self, default: Deeds | Callable[[Request], Deeds] = Answer(), *, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(tls)
        self.default = default
        self.tls = tls
        self.requests: list[Request] = []
        self.connections = 0

    @property
    def url(self) -> str:
        """What all addresses begin with; no slash at its end."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        """Where the requests went, in their order."""
        return [request.path for request in self.requests]

    def answer(self, path_part: str, *answers: Deeds, always: bool = False) -> None:
        """Say what happens to requests whose path has this in it: each answer once, in this order, or always."""
        if always:
            self._rules += [(path_part, answer) for answer in answers]
        else:
            self._script[path_part].extend(answers)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take requests until the connection is to end."""
        number = self.connections
        self.connections += 1
        await self.tell()
        while await self._take(number, reader, writer):
            pass

    async def _take(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Take one request and answer it; tell whether another may follow."""
        request = await _read(number, reader, writer)
        self.requests.append(request)
        await self.tell()
        answer = self._scripted(request)
        if answer is HANG:
            await hang(reader)
            return False
        if answer is CUT:
            return False
        if isinstance(answer, Answer):
            await asyncio.sleep(answer.pause)
            writer.write(answer.written())
        elif answer is GARBAGE:
            writer.write(b"220 mail.example ESMTP\r\n\r\n")
        else:
            whole = Answer(200, {"ok": True, "padding": "x" * 100}).written()
            writer.write(whole[:-50])
        await writer.drain()
        if isinstance(answer, Deed):
            writer.write_eof() if writer.can_write_eof() else writer.close()
            return False
        return request.headers.get("connection", "").lower() != "close"

    def _scripted(self, request: Request) -> Deeds:
        for part, answers in self._script.items():
            if part in request.path and answers:
                return answers.popleft()
        for part, answer in self._rules:
            if part in request.path:
                return answer
        return self.default(request) if callable(self.default) else self.default


async def _read(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    address = urlsplit(target)
    request = Request(number, method, address.path, dict(parse_qsl(address.query, keep_blank_values=True)), headers)
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        request.body = await _read_chunks(reader)
    else:
        request.body = await reader.readexactly(int(headers.get("content-length", "0")))
    return request


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return bytes(body)
