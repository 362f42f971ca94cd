"""One mail transaction (RFC 5321 3.3): MAIL, RCPT for each recipient, DATA, the text, the last answer.

Each recipient has a fate of its own until DATA; from there on all who were taken share one. A failure that concerns
everybody is raised; it holds for whoever has no fate yet.

A server that offers PIPELINING (RFC 2920) is sent all up to DATA in one go; another one command after the other. The
answers mean the same: the first that ends the transaction decides, whatever comes after it. What was agreed to that
nobody wants any more is taken back: by a lone dot where nobody was taken, else by the end of the connection.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

from dispatcher.notifiers.email.addresses import Address
from dispatcher.notifiers.email.commands import DATA, Command, begin, grouped, stuff
from dispatcher.notifiers.email.connection import Connection, Lost, Stale
from dispatcher.notifiers.email.ledger import MailboxLedger
from dispatcher.notifiers.email.replies import (
    Phase,
    Reply,
    judge,
    judge_loss,
    may_concern_all,
    wants_another_transaction,
)
from dispatcher.notifiers.ledger import Entry
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.messages import harmless, shorten

REFERENCE_BYTES = 200
"""The most that is kept of the final reply, in bytes of UTF-8."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What all transactions of one mail share.

    Attributes:
        ledger: is told whose mail goes out.
        server: host and port, for the texts of failures.
        sender: whom the server tells when it cannot deliver (RFC 5321 4.1.1.2).
        write: gives the mail; told whether the server offers SMTPUTF8.

    """

    ledger: MailboxLedger
    server: str
    sender: Address
    write: Callable[[bool], Awaitable[bytes]]


class Transaction:
    """One try to hand a mail over for some recipients.

    Attributes:
        fates: by mailbox, why it was not served; nothing where it was.
        phase: how far it came.
        reference: what the server said when it took the mail, its queue id as a rule; empty before.
        recipients: whom it is for.
        began: when the conversation about it did, by `monotonic`.
        refusal: where nobody was taken, for what may be no fault of theirs: how the last of them was refused.

    """

    def __init__(self, envelope: Envelope, recipients: Sequence[Address]) -> None:
        self.fates: dict[str, Failure | None] = {}
        self.phase = Phase.IDLE
        self.reference = ""
        self.refusal: Failure | None = None
        self.began = 0.0
        self.recipients = recipients
        self._envelope = envelope
        self._taken: list[str] = []
        self._asked: Sequence[Command] = ()  # what was sent last
        self._heard = 0  # how much of it is answered
        self._failure: Failure | None = None  # what ends it for everybody
        self._enough = False  # the server wants the others in another transaction
        self._agreed = False  # it waits for a text
        self._theirs = False  # somebody was refused for a reason of theirs

    async def run(self, connection: Connection) -> None:
        """Do it; to wait for the connection was no work, this is.

        Raises:
            Failure: for everybody without a fate.
            Stale: the connection was dead before we began; nothing happened.
            DeliveryLost: the message is not ours any more; nothing was sent.

        """
        self.fates.clear()
        self.refusal = self._failure = None
        self.began = monotonic()
        with self._envelope.ledger.work():
            try:
                await self._converse(connection)
            except Stale:
                raise
            except Lost as lost:
                raise judge_loss(lost.phase, lost.what, server=self._envelope.server) from lost
            except Failure:
                await reset(connection)
                raise

    async def _converse(self, connection: Connection) -> None:
        capable = connection.offers("smtputf8")
        recipients = self._within_reach(capable=capable)
        if not recipients:
            return
        mail = await self._envelope.write(capable)
        self._check_size(connection, len(mail))
        self._envelope.ledger.begin()
        await self._agree(connection, begin(self._envelope.sender, recipients, mail, connection.offers))
        if not self._taken:
            await reset(connection, agreed=self._agreed)
            return
        self.phase = Phase.FINAL
        entry = self._envelope.ledger.entry(self._taken)
        await connection.text(stuff(mail), entry.hand_over, partial(self._conclude, entry))
        if self._failure is not None:
            raise self._failure

    def _conclude(self, entry: Entry, reply: Reply) -> None:
        """Take note of the last answer, before anything else can happen."""
        self._failure = judge(Phase.FINAL, reply, server=self._envelope.server)
        if self._failure is None:
            entry.serve()
            self.fates.update(dict.fromkeys(self._taken))
            self.reference = shorten(harmless(reply.text), REFERENCE_BYTES)

    def _within_reach(self, *, capable: bool) -> list[Address]:
        """Leave out whom this server cannot take: a non-ASCII local part needs SMTPUTF8 (RFC 6531 3.2)."""
        for address in self.recipients:
            if address.needs_smtputf8 and not capable:
                text = f"{address.mailbox!r} needs SMTPUTF8, which {self._envelope.server} does not offer"
                self.fates[address.mailbox] = Failure(Kind.RECIPIENT, Reason.NEEDS_SMTPUTF8, text)
        return [address for address in self.recipients if address.mailbox not in self.fates]

    def _check_size(self, connection: Connection, size: int) -> None:
        """Compare with the limit that the server gave (RFC 1870 6.1): better than to send it all and be refused."""
        limit = connection.size_limit
        if limit is not None and size > limit:
            text = f"the mail has {size} bytes, {self._envelope.server} takes {limit} at most"
            raise Failure(Kind.CONTENT, Reason.TOO_LARGE, text)

    async def _agree(self, connection: Connection, commands: Sequence[Command]) -> None:
        """Come as far as DATA, in as few groups as the server allows; learn who was taken."""
        pipelined = connection.offers("pipelining")
        for group in grouped([*commands, DATA]) if pipelined else ([one] for one in commands):
            await self._ask(connection, group)
            if self._enough:
                break
        if self._taken and DATA not in self._asked:
            await self._ask(connection, [DATA])
        if self._taken or self._theirs:
            self.refusal = None

    async def _ask(self, connection: Connection, commands: Sequence[Command]) -> None:
        self._asked, self._heard = commands, 0
        heard = await connection.ask([command.line for command in commands], self._hear)
        if self._failure is None and heard < len(commands):
            phase = commands[heard].phase
            if phase is not Phase.DATA or self._taken:
                self.phase = phase
                raise connection.loss(phase)
        if self._failure is not None:
            if self._agreed:
                connection.abort()  # not even an empty text may follow
            raise self._failure

    def _hear(self, reply: Reply) -> None:
        """Take note of an answer, as soon as it is there."""
        phase, _, address = self._asked[self._heard]
        self._heard += 1
        if phase is Phase.DATA:
            self._agreed = reply.code // 100 == 3  # noqa: PLR2004 (3yz: RFC 5321 4.2.1)
            if not self._taken:
                return
        if self._failure is not None:
            return
        self.phase = phase
        if address is not None:
            self._hear_of(address, reply)
        else:
            about = f"<{self._envelope.sender.mailbox}>" if phase is Phase.MAIL else ""
            self._failure = judge(phase, reply, server=self._envelope.server, about=about)

    def _hear_of(self, address: Address, reply: Reply) -> None:
        if self._taken and wants_another_transaction(reply):
            self._enough = True
            return
        failure = judge(Phase.RCPT, reply, server=self._envelope.server, about=f"<{address.mailbox}>")
        if failure is None:
            self._taken.append(address.mailbox)
        elif failure.kind in {Kind.THROTTLED, Kind.OUTAGE}:
            self._failure = failure
        else:
            self.fates[address.mailbox] = self.refusal = failure
            self._theirs = self._theirs or not may_concern_all(reply, failure)


async def reset(connection: Connection, *, agreed: bool = False) -> None:
    """Make the server forget a transaction that was begun; a connection on which that fails is let go, quietly.

    Args:
        connection: one.
        agreed: whether the server waits for a text, though it has taken nobody: that of a lone dot is refused.

    """
    if not connection.usable:
        return
    try:
        if agreed:
            await connection.command(Phase.IDLE, ".")
        reply = await connection.command(Phase.IDLE, "RSET")
    except Lost:
        connection.abort()
    else:
        if reply.code // 100 != 2:  # noqa: PLR2004 (2yz: RFC 5321 4.2.1)
            connection.abort()
