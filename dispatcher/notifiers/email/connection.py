"""One connection to the SMTP server. The exceptions of aiosmtplib end here.

Only `connect.py` knows it besides, and `losses.py` its words.

MAIL, RCPT, DATA and the text go through here one by one, because the library's own call for a whole mail does not tell
a loss before the final dot from one after it.

A connection is **sound** while every command sent was answered whole. Cancelled, timed out or cut off in between, the
next answer would belong to the last command; such a connection is thrown away, although the library calls it connected.
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Callable, Iterator
from typing import cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from dispatcher.cancelling import is_ours
from dispatcher.notifiers.email.losses import BROKEN_OFF, describe
from dispatcher.notifiers.email.replies import Phase, Reply
from dispatcher.notifiers.email.settings import EmailTimeouts
from dispatcher.notifiers.interruption import Interruption, finish

CHUNK = 65_536
"""How much of a mail is written before the server must have taken it, in bytes."""

BUSY = 421


class Lost(Exception):
    """The connection ended, fell silent, or answered with something that is no SMTP.

    Attributes:
        phase: where.
        what: a few words, without secrets.

    """

    def __init__(self, phase: Phase, what: str) -> None:
        super().__init__(f"{what} at {phase.value}")
        self.phase = phase
        self.what = what


class Stale(Lost):
    """A kept connection was lost at its first command: the server had closed it while it was idle."""


class Refused(Exception):
    """The server answered, and said no, while the library was speaking.

    Attributes:
        phase: where.
        reply: what it said.

    """

    def __init__(self, phase: Phase, reply: Reply) -> None:
        super().__init__(f"{reply.code} at {phase.value}")
        self.phase = phase
        self.reply = reply


class Connection:
    """One open connection, with one owner at a time."""

    def __init__(self, client: aiosmtplib.SMTP, timeouts: EmailTimeouts) -> None:
        self.mails = 0  # handed over so far
        self.kept = False  # it was idle, and has not answered since
        self._client = client
        self._timeouts = timeouts
        self._sound = True
        # Kept apart from the client, which forgets all three as soon as the connection is lost.
        self._extensions = dict(client.esmtp_extensions)
        self._transport = cast("asyncio.Transport", client.transport)
        self._protocol = cast("SMTPProtocol", client.protocol)
        # Drained means handed over, so that the text does not wait behind us when the final dot is written. A limit of
        # 0 would pause a TLS transport for ever: it compares with "not less", a plain one with "greater".
        self._transport.set_write_buffer_limits(high=1, low=0)

    @property
    def usable(self) -> bool:
        """Whether another mail may go through it."""
        return self._sound and self._client.is_connected

    def offers(self, keyword: str) -> bool:
        """Tell whether the server's answer to EHLO had this keyword, given in lower case."""
        return keyword in self._extensions

    @property
    def size_limit(self) -> int | None:
        """The largest mail the server takes, in bytes, if it said so (RFC 1870 3: nothing and 0 mean no limit)."""
        limit = self._extensions.get("size", "").strip()
        return (int(limit) or None) if re.fullmatch(r"[0-9]{1,20}", limit) else None  # 20 digits: RFC 1870 3

    async def command(self, phase: Phase, line: str) -> Reply:
        """Send one command and wait for its answer, whatever it is.

        Raises:
            Lost: there was none.

        """
        with self._listening(phase):
            answer = await self._client.execute_command(
                line.encode("utf-8"), timeout=self._timeouts.command.total_seconds()
            )
        return self._answered(phase, Reply(*answer))

    async def text(self, mail: bytes, hand_over: Callable[[], None], conclude: Callable[[Reply], None]) -> None:
        """Send the text of a mail after DATA was agreed to, the final dot, and wait for the last answer.

        Cancelled when that is there already, it ends as usual (see `interruption.finish`), without the connection.

        Args:
            mail: the text.
            hand_over: called before the final dot is written; what it raises keeps it from being written.
            conclude: called as soon as the last answer is read; what it raises is raised.

        Raises:
            Lost: the phase in it tells whether the final dot was written.

        """
        interruption = Interruption()
        with self._listening(Phase.BODY):
            for start in range(0, len(mail), CHUNK):
                await self._write(mail[start : start + CHUNK])
        try:
            with self._telling(Phase.FINAL):
                await finish(self._conclude(interruption, hand_over, conclude))
        finally:
            if interruption.came:
                self.abort()

    async def quit(self) -> None:
        """Part politely, in bounded time, and let go in any case."""
        try:
            if self.usable:
                with contextlib.suppress(aiosmtplib.SMTPException, OSError, Lost), self._telling(Phase.IDLE):
                    await self._client.quit(timeout=self._timeouts.quit.total_seconds())
        finally:
            self.abort()

    def abort(self) -> None:
        """Let go at once."""
        self._sound = False
        self._transport.abort()
        self._client.close()

    async def _write(self, chunk: bytes) -> None:
        self._protocol.write(chunk)
        async with asyncio.timeout(self._timeouts.data.total_seconds()):
            # The protocol keeps this name for stream writers of the standard library, which close what they are
            # given when they are collected, so none of them can stand here.
            await self._protocol._drain_helper()  # noqa: SLF001

    async def _conclude(
        self, interruption: Interruption, hand_over: Callable[[], None], conclude: Callable[[Reply], None]
    ) -> None:
        """Write the final dot and read the answer in one go: an answer that nobody waits for is dropped."""
        if interruption.came:
            raise asyncio.CancelledError
        if not self._protocol.is_connected:
            raise Lost(Phase.BODY, "connection lost")
        hand_over()
        self._protocol.write(b".\r\n")
        answer = await self._protocol.read_response(self._timeouts.final_reply.total_seconds())
        self.mails += 1
        conclude(self._answered(Phase.FINAL, Reply(*answer)))

    def _answered(self, phase: Phase, reply: Reply) -> Reply:
        # What the library took for a code of three digits may be none (RFC 5321 4.2).
        if not 200 <= reply.code < 600:  # noqa: PLR2004
            raise Lost(phase, f"an answer that is no SMTP ({reply.code} {reply.text[:80]})")
        if reply.code == BUSY and self.kept:
            raise Stale(phase, "connection closed while idle")
        self.kept = False
        self._sound = reply.code != BUSY
        return reply

    @contextlib.contextmanager
    def _listening(self, phase: Phase) -> Iterator[None]:
        self._sound = False
        with self._telling(phase), heeding_cancellation():
            yield

    @contextlib.contextmanager
    def _telling(self, phase: Phase) -> Iterator[None]:
        try:
            yield
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise (Stale if self.kept else Lost)(phase, describe(error)) from error
        except asyncio.CancelledError as error:
            if is_ours():
                raise
            raise (Stale if self.kept else Lost)(phase, BROKEN_OFF) from error


@contextlib.contextmanager
def speaking(phase: Phase) -> Iterator[None]:
    """Turn what the library raises while it connects, upgrades or logs in into `Refused` and `Lost`."""
    try:
        with heeding_cancellation():
            yield
    except aiosmtplib.SMTPResponseException as error:
        if error.code < 0:
            raise Lost(phase, describe(error)) from error
        raise Refused(phase, Reply(error.code, str(error.message))) from error
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        tls = isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError)
        raise Lost(Phase.STARTTLS if tls else phase, describe(error)) from error
    except asyncio.CancelledError as error:
        if is_ours():
            raise
        raise Lost(phase, BROKEN_OFF) from error


@contextlib.contextmanager
def heeding_cancellation() -> Iterator[None]:
    """Raise the cancellation that was swallowed inside.

    `asyncio.wait_for`, which the library uses, forgets one that comes in the same turn as the answer (Python 3.11). It
    is raised late then, at the end of what the library was doing, which its own time-outs bound.
    """
    current = asyncio.current_task()
    before = current.cancelling() if current else 0
    try:
        yield
    finally:
        if current and current.cancelling() > before:
            raise asyncio.CancelledError
