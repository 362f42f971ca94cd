"""One connection to the SMTP server, as a transaction sees it: commands, a text, a farewell.

MAIL, RCPT, DATA and the text go through here in groups of commands, because the library's own call for a whole mail
knows no PIPELINING, and does not tell a loss before the final dot from one after it.

A connection is **sound** while every command sent was answered whole. Cancelled, timed out or cut off in between, the
next answer would belong to the last command; such a connection is thrown away.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence

from dispatcher.notifiers.email.losses import LOST
from dispatcher.notifiers.email.replies import Phase, Reply
from dispatcher.notifiers.email.settings import EmailTimeouts
from dispatcher.notifiers.email.wire import Patience, Take, Wire, ignore
from dispatcher.notifiers.interruption import Interruption

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


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
    """One open connection, with one owner at a time.

    Args:
        wire: what is written to and read from.
        extensions: what the server offers, keywords in lower case, with their parameters.
        timeouts: how long each step may take.

    """

    def __init__(self, wire: Wire, extensions: Mapping[str, str], timeouts: EmailTimeouts) -> None:
        self.mails = 0  # handed over so far
        self.kept = False  # it was idle, and has not answered since
        self.careful = False  # the server has left a mail unanswered, and taken none since
        self._wire = wire
        self._extensions = dict(extensions)
        seconds = (timeouts.command, timeouts.data, timeouts.final_reply)
        self._patience = Patience(*(one.total_seconds() for one in seconds))
        self._farewell = timeouts.quit.total_seconds()

    @property
    def usable(self) -> bool:
        """Whether another mail may go through it."""
        return not self._wire.broken and not self._wire.missing

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
        replies: list[Reply] = []
        await self.ask([line.encode("utf-8")], replies.append)
        if not replies:
            raise self.loss(phase)
        return replies[0]

    async def ask(self, lines: Sequence[bytes], take: Take) -> int:
        """Send commands in one go and wait for their answers.

        Args:
            lines: the commands, without line ends.
            take: is given each answer as soon as it is read, in the order of the commands.

        Returns:
            how many were answered; where these are not all, the connection has ended.

        Raises:
            Stale: the connection was dead before; whatever `take` was given does not count.

        """
        if any(map(_CONTROL.search, lines)):
            raise ValueError("a command with control characters")
        wire = self._wire
        await wire.ask(b"\r\n".join(lines) + b"\r\n", len(lines), take, self._patience.command)
        if self.kept:
            if wire.broken and wire.heard <= wire.parted:  # no answer, or a farewell alone
                raise Stale(Phase.MAIL, wire.broken)
            self.kept = False
        return wire.heard

    def loss(self, phase: Phase) -> Lost:
        """Say that the connection ended, fell silent or answered nonsense, and where."""
        return Lost(phase, self._wire.broken)

    async def text(self, mail: bytes, hand_over: Callable[[], None], conclude: Take) -> None:
        """Send the text of a mail after DATA was agreed to, the final dot, and wait for the last answer.

        Cancelled when that is in the socket already, it ends as usual, without the connection.

        Args:
            mail: the text.
            hand_over: called before the final dot is written; what it raises keeps it from being written.
            conclude: called as soon as the last answer is read.

        Raises:
            Lost: the phase in it tells whether the final dot may have left.

        """
        interruption = Interruption()
        wire = self._wire
        try:
            await wire.text(mail, hand_over, conclude, self._patience, careful=self.careful)
        except asyncio.CancelledError:
            if wire.missing and (wire.unsent or not await wire.look()):
                raise
        finally:
            if interruption.came:
                self.abort()
        if wire.missing:
            raise self.loss(Phase.BODY if wire.unsent else Phase.FINAL)
        self.mails += 1

    async def quit(self) -> None:
        """Part politely, in bounded time, and let go in any case."""
        try:
            if self.usable:
                await self._wire.ask(b"QUIT\r\n", 1, ignore, self._farewell)
                self._wire.close()
        finally:
            self.abort()

    def abort(self) -> None:
        """Let go at once: nothing that is still here leaves any more."""
        self._wire.end(LOST)
