"""An SMTP server that does what a test tells it to: a real socket, real TLS, and a script.

    async with SmtpServer() as server:
        server.answer("MAIL", "451 4.3.0 not now", "451 4.3.0 not now")  # twice, then as usual
        server.answer("RCPT", "550 5.1.1 no such user", about="bob@", always=True)
        server.answer("DOT", CUT)  # ends the connection where the last answer was due
        ...
        server.mails[0].recipients

It offers PIPELINING, unless it is told not to, and answers each command of a group by itself (RFC 2920).

The points of the script: `CONNECT` (the greeting), `EHLO`, `HELO`, `STARTTLS`, `AUTH`, `MAIL`, `RCPT`, `DATA` (before
354), `BODY` (after 354, before the text was read), `DOT` (after the final dot), `RSET`, `NOOP`, `QUIT`.
"""

import asyncio
import base64
import re
import ssl
from collections import Counter
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import Enum
from time import monotonic

from tests.scripted_server import ScriptedServer, hang


class Deed(Enum):
    """What a server may do instead of answering."""

    CUT = "end the connection"
    HANG = "say nothing until the other side gives up"


CUT, HANG = Deed.CUT, Deed.HANG
Answer = str | bytes | Deed
"""A line, several separated by line feeds (the hyphens are added), raw bytes, or a deed."""

ONE_BY_ONE = ("SIZE 10485760", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
KEYWORDS = (*ONE_BY_ONE, "PIPELINING")

USUAL = {
    "CONNECT": "220 test.example ESMTP",
    "STARTTLS": "220 go ahead",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go on",
    "BODY": "",
    "DOT": "250 2.0.0 queued as TEST",
    "HELO": "250 test.example",
    "RSET": "250 2.0.0 ok",
    "NOOP": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}


@dataclass
class Mail:
    """A mail as it was taken.

    Attributes:
        session: the number of the connection, from 0.
        mail_command: the line of MAIL, with its parameters.
        sender: the address in it.
        recipients: who was taken by RCPT.
        data: the text, without the dots that were added on the way.
        raw: the text as it came, the final dot included.
        caller: as who the client had introduced itself.
        came: when the final dot was seen, as `time.monotonic()` gives it.
        answered: when the answer to it was written; nothing where there was none.

    """

    session: int
    mail_command: str
    sender: str
    recipients: list[str]
    data: bytes = b""
    raw: bytes = b""
    caller: str = ""
    came: float = 0.0
    answered: float | None = None

    @property
    def message(self) -> EmailMessage:
        """The text, parsed."""
        return message_from_bytes(self.data, policy=policy.SMTP)  # type: ignore[return-value]


@dataclass
class Session:
    """One connection: what was said on it, and whether TLS and a login were."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    commands: list[str] = field(default_factory=list)
    user: str | None = None
    caller: str = ""
    secure: bool = False
    mail: Mail | None = None

    def verbs(self) -> list[str]:
        return [command.split(" ", 1)[0].split(":", 1)[0].upper() for command in self.commands]


class SmtpServer(ScriptedServer):
    """The server; an asynchronous context manager, on a free port of 127.0.0.1.

    Args:
        tls: the server's context, for STARTTLS or from the first byte on.
        implicit: TLS from the first byte on.
        users: passwords by name, for AUTH.
        keywords: what EHLO answers, besides STARTTLS and AUTH.
        mechanisms: those of AUTH.
        pause: seconds between the final dot and the reply, so that a load surely lasts.

    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        users: dict[str, str] | None = None,
        keywords: tuple[str, ...] = KEYWORDS,
        mechanisms: str = "PLAIN LOGIN",
        pause: float = 0.0,
    ) -> None:
        super().__init__(tls if implicit else None)
        self.tls = tls
        self.implicit = implicit
        self.users = users or {}
        self.keywords = keywords
        self.mechanisms = mechanisms
        self.pause = pause
        self.mails: list[Mail] = []
        self.sessions: list[Session] = []
        self.seen: Counter[str] = Counter()

    @property
    def connections(self) -> int:
        """How many there have been."""
        return len(self.sessions)

    def answer(self, point: str, *answers: Answer, about: str = "", always: bool = False) -> None:
        """Say what happens at a point: each answer once, in this order, or always; `about` is part of the command."""
        if about or always:
            self._rules += [(point, about, answer) for answer in answers]
        else:
            self._script[point].extend(answers)

    def end(self, number: int) -> None:
        """End a connection from this side, as a server does with one that is idle for too long."""
        self.sessions[number].writer.close()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak SMTP until the connection is to end."""
        session = Session(len(self.sessions), reader, writer, secure=self.implicit)
        self.sessions.append(session)
        going = await self._say(session, "CONNECT", "")
        while going:
            line = (await reader.readuntil(b"\r\n")).decode().removesuffix("\r\n")
            session.commands.append(line)
            verb = line.split(" ", 1)[0].upper()
            going = await getattr(self, f"_{verb.lower()}", self._other)(session, line)

    async def _say(self, session: Session, point: str, line: str, usual: str | None = None) -> bool:
        """Answer by the script or as usual; tell whether the conversation goes on."""
        self.seen[point] += 1
        answer = self._scripted(point, line)
        if answer is None:
            answer = USUAL.get(point, "250 ok") if usual is None else usual
        await self.tell()
        if answer is HANG:
            await hang(session.reader)
            return False
        if answer is CUT:
            return False
        await self._write(session, answer)
        return not (isinstance(answer, str) and answer.startswith(("421", "221")))

    def _scripted(self, point: str, line: str) -> Answer | None:
        if self._script.get(point):
            return self._script[point].popleft()
        return next((answer for at, about, answer in self._rules if at == point and about in line), None)

    async def _write(self, session: Session, answer: str | bytes | Deed) -> None:
        if isinstance(answer, str):
            *more, last = answer.split("\n")
            lines = [f"{one[:3]}-{one[4:]}" for one in more] + [last]
            answer = "".join(f"{one}\r\n" for one in lines if one).encode("utf-8", "surrogateescape")
        assert isinstance(answer, bytes)
        session.writer.write(answer)
        await session.writer.drain()

    async def _other(self, session: Session, line: str) -> bool:
        return await self._say(session, line.split(" ", 1)[0].upper(), line)

    async def _ehlo(self, session: Session, line: str) -> bool:
        session.caller = line.partition(" ")[2]
        keywords = list(self.keywords)
        if self.tls and not session.secure:
            keywords.append("STARTTLS")
        if self.users:
            keywords.append(f"AUTH {self.mechanisms}")
        return await self._say(session, "EHLO", line, "\n".join(f"250 {one}" for one in ["test.example", *keywords]))

    async def _starttls(self, session: Session, line: str) -> bool:
        going = await self._say(session, "STARTTLS", line)
        if going and self.tls:
            await session.writer.start_tls(self.tls)
            session.secure = True
        return going

    async def _auth(self, session: Session, line: str) -> bool:
        _, mechanism, *initial = line.split(" ")
        if mechanism.upper() == "PLAIN":
            _, user, password = base64.b64decode(initial[0]).decode().split("\0")
        else:
            user = base64.b64decode(initial[0]).decode()
            await self._write(session, "334 UGFzc3dvcmQ6")
            password = base64.b64decode(await session.reader.readuntil(b"\r\n")).decode()
        right = self.users.get(user) == password
        session.user = user if right else None
        return await self._say(session, "AUTH", line, "235 2.7.0 welcome" if right else "535 5.7.8 wrong")

    async def _mail(self, session: Session, line: str) -> bool:
        answer = self._scripted("MAIL", line) or ("503 5.5.1 nested" if session.mail else USUAL["MAIL"])
        if isinstance(answer, str) and answer.startswith("2"):
            session.mail = Mail(session.number, line, line.partition("<")[2].rpartition(">")[0], [])
            session.mail.caller = session.caller
        self._script["MAIL"].appendleft(answer)
        return await self._say(session, "MAIL", line)

    async def _rset(self, session: Session, line: str) -> bool:
        session.mail = None
        return await self._say(session, "RSET", line)

    async def _rcpt(self, session: Session, line: str) -> bool:
        if session.mail is None:
            return await self._say(session, "RCPT after no MAIL", line, "503 5.5.1 MAIL first")
        answer = self._scripted("RCPT", line) or USUAL["RCPT"]
        if isinstance(answer, str) and answer.startswith("2"):
            session.mail.recipients.append(line.partition("<")[2].rpartition(">")[0])
        self._script["RCPT"].appendleft(answer)
        return await self._say(session, "RCPT", line)

    async def _data(self, session: Session, line: str) -> bool:
        if session.mail is None or not session.mail.recipients:
            return await self._say(session, "DATA to nobody", line, "554 5.5.1 no valid recipients")
        agreed = self._scripted("DATA", line) or USUAL["DATA"]
        self._script["DATA"].appendleft(agreed)
        going = await self._say(session, "DATA", line)
        if not going or not (isinstance(agreed, str) and agreed.startswith("354")):
            return going
        if not await self._say(session, "BODY", line):
            return False
        return await self._text(session)

    async def _text(self, session: Session) -> bool:
        assert session.mail is not None
        mail, session.mail = session.mail, None
        raw = bytearray()
        while not raw.endswith(b"\r\n.\r\n"):
            piece = await session.reader.read(65536)
            if not piece:
                return False
            raw += piece
        mail.came = monotonic()
        mail.raw = bytes(raw)
        mail.data = re.sub(rb"(?m)^\.", b"", mail.raw.removesuffix(b".\r\n"))
        await asyncio.sleep(self.pause)
        answer = self._scripted("DOT", "") or USUAL["DOT"]
        if answer is CUT or answer is HANG or (isinstance(answer, str) and answer.startswith("2")):
            self.mails.append(mail)
        self._script["DOT"].appendleft(answer)
        going = await self._say(session, "DOT", "")
        if answer is not CUT and answer is not HANG:
            mail.answered = monotonic()
        return going
