"""What is written to an SMTP server and read from it, once the library has connected, upgraded and logged in.

Commands go out in groups (RFC 2920), and each answer belongs to the oldest command without one. It is taken at the
moment it is read, whoever was cancelled meanwhile. An answer that nobody asked for, that is no SMTP, or that does not
come in time ends the connection: the next one could not be told from it.

A mail takes no task and no lock. BDAT (RFC 3030) is not used: sent along with the recipients, it would commit the text
before the server has taken any of them; sent after them, it saves nothing.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from dispatcher.notifiers.email.losses import EARLY, LATE, LOST, NO_SMTP, UNASKED, describe
from dispatcher.notifiers.email.reading import Odd, Reading
from dispatcher.notifiers.email.replies import BUSY, Reply
from dispatcher.notifiers.email.waiting import Waiting
from dispatcher.notifiers.interruption import TURNS

CHUNK = 65_536
"""How much of a mail is written before the server must have taken it, in bytes."""

DOUBT = 0.3
"""So long a final dot waits where the server is in doubt, in seconds: for its farewell to come a long way."""

_REFUSED = 400  # the first code that says no

Take = Callable[[Reply], None]
"""Is given each answer as soon as it is read; must not raise, for nobody is there to hear of it."""


class Patience(NamedTuple):
    """How long each step may take, in seconds."""

    command: float
    data: float
    final: float


class Wire(asyncio.Protocol):
    """One connection, with one owner at a time.

    Args:
        transport: it is taken over from who made it.

    Attributes:
        broken: why nothing more can be said on it, in a few words; empty before.
        heard: how many answers the last commands got.
        missing: how many answers are still to come.
        parted: whether the server has said farewell (421).

    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self.broken = ""
        self.heard = self.missing = 0
        self.parted = False
        self._transport = transport
        self._reading = Reading()
        self._take: Take = ignore
        self._farewell: Reply | None = None
        self._at_text = False  # from the first byte of a text on
        self._ended = False  # its end was written
        self._paused = False  # some of what was written is still here
        self._draining = False  # who waits, waits for it to leave
        self._waiting = Waiting(lambda: self.end(LATE))
        # Paused means that something is still here, so that it is known whether the final dot has left. A limit of 0
        # would pause a TLS transport for ever: it compares with "not less", a plain one with "greater".
        transport.set_write_buffer_limits(high=1, low=0)
        transport.set_protocol(self)

    @property
    def unsent(self) -> bool:
        """Whether the final dot of the text has surely not left; once the connection is broken, it never will."""
        return self._at_text and (self._paused or not self._ended)

    async def ask(self, commands: bytes, number: int, take: Take, patience: float) -> None:
        """Write commands and wait until all are answered, or the connection is broken.

        Args:
            commands: as they go out.
            number: how many they are.
            take: is given the answers.
            patience: how long the next answer may take at any time, in seconds.

        """
        self._at_text = False
        self._expect(number, take)
        if not self.broken:
            self._transport.write(commands)
            await self._waiting.wait(patience)

    async def text(
        self, mail: bytes, hand_over: Callable[[], None], take: Take, patience: Patience, *, careful: bool = False
    ) -> None:
        """Write a text and the final dot, and wait until that is answered, or the connection is broken.

        A short text and its dot are one write, so nothing of it leaves before `hand_over` was called; but for a careful
        one: there the dot waits a moment, so that a server that hangs up in the text is known not to have had it.

        Args:
            mail: the text, dots doubled.
            hand_over: called before what holds the final dot is written; what it raises keeps it from being written.
            take: is given the answer.
            patience: for each chunk to leave, and for the answer.
            careful: whether the server is in doubt.

        """
        self._at_text, self._ended = True, False
        self._expect(1, take)
        last = max(len(mail) - 1, 0) // CHUNK * CHUNK
        for start in range(0, last, CHUNK):
            await self._write(mail[start : start + CHUNK], patience.data)
        rest = mail[last:]
        if careful:
            await self._write(rest, patience.data)
            if not self.broken:
                await self._waiting.hesitate(DOUBT)
            rest = b""
        if self.broken:
            return
        hand_over()
        self._ended = True
        await self._write(rest + b".\r\n", patience.data)
        if self.missing and not self.broken:
            await self._waiting.wait(patience.final)

    async def look(self) -> bool:
        """Let what has arrived be read, though we are cancelled; tell whether it came to something."""
        for _ in range(TURNS):
            if self.broken or not self.missing:
                return True
            await asyncio.sleep(0)
        return False

    def close(self) -> None:
        """Tell the other side as TLS has it, and let go."""
        self._transport.close()
        self.end(LOST)

    def end(self, what: str) -> None:
        """Let go at once: nothing that is still here leaves any more."""
        if self.broken:
            return
        self.broken = what
        self._waiting.end()
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what has come apart, and give it to who asked."""
        if self.broken:
            return
        try:
            for reply in self._reading.feed(data):
                if not self._answer(reply):
                    return
        except Odd as odd:
            self.end(f"{NO_SMTP} ({odd})")
        if not self.missing and self._reading.begun:
            self.end(UNASKED)

    def eof_received(self) -> None:
        """End what cannot be answered any more: what is still here would leave before the transport closes."""
        self.end(LOST)

    def connection_lost(self, exc: Exception | None) -> None:
        """Learn that it is over."""
        self.end(describe(exc) if exc else LOST)

    def pause_writing(self) -> None:
        """Learn that something is still here."""
        self._paused = True

    def resume_writing(self) -> None:
        """Learn that all has left."""
        if self.broken:
            return
        self._paused = False
        if self._draining:
            self._waiting.wake()

    def _expect(self, number: int, take: Take) -> None:
        self.heard, self.missing, self._take = 0, number, take
        farewell, self._farewell = self._farewell, None
        if farewell is not None:
            self._answer(farewell)

    def _answer(self, reply: Reply) -> bool:
        """Give an answer to who waits for it; tell whether more may come."""
        early = self.unsent
        if not self.missing:
            self._farewell = reply if reply.code == BUSY else None  # the answer to whatever comes next
            self.end(f"{UNASKED} ({reply.code} {reply.text[:80]})")
        elif early and reply.code < _REFUSED:
            self.end(EARLY)
        else:
            self._take(reply)
            self.heard += 1
            self.missing -= 1
            self.parted = reply.code == BUSY
            if self.parted or early:
                self.end(EARLY if early else LOST)  # the server would take the rest of a text for commands
            elif self.missing:
                self._waiting.go_on()
            else:
                self._waiting.wake()
        return not self.broken

    async def _write(self, chunk: bytes, patience: float) -> None:
        if not self.broken:
            self._transport.write(chunk)
            if self._transport.is_closing():  # it took none of it
                self._paused = True
                self.end(LOST)
        if self._paused and not self.broken:
            self._draining = True
            try:
                await self._waiting.wait(patience)
            finally:
                self._draining = False


def ignore(_: Reply) -> None:
    """Whatever is answered."""
