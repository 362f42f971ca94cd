"""One mail transaction (RFC 5321 3.3): MAIL, RCPT for each recipient, DATA, the text, the last answer.

Each recipient has a fate of its own until DATA; from there on all who were taken share one. A failure that concerns
everybody is raised; it holds for whoever has no fate yet.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

from dispatcher.notifiers.email.addresses import Address
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
        rest: who did not fit into this transaction and wants another one at once.
        phase: how far it came.
        reference: what the server said when it took the mail, its queue id as a rule; empty before.
        recipients: whom it is for.
        began: when the conversation about it did, by `monotonic`.
        refusal: where nobody was taken, for what may be no fault of theirs: how the last of them was refused.

    """

    def __init__(self, envelope: Envelope, recipients: Sequence[Address]) -> None:
        self.fates: dict[str, Failure | None] = {}
        self.rest: Sequence[Address] = ()
        self.phase = Phase.IDLE
        self.reference = ""
        self.refusal: Failure | None = None
        self.began = 0.0
        self._envelope = envelope
        self.recipients = recipients

    async def run(self, connection: Connection) -> None:
        """Do it.

        Raises:
            Failure: for everybody without a fate.
            Stale: the connection was dead before we began; nothing happened.
            DeliveryLost: the message is not ours any more; nothing was sent.

        """
        self.fates.clear()
        self.refusal = None
        self.began = monotonic()
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
        await self._ask(connection, Phase.MAIL, self._mail_command(connection, recipients, mail))
        taken = await self._offer(connection, recipients)
        if not taken:
            await reset(connection)
            return
        await self._ask(connection, Phase.DATA, "DATA")
        self.phase = Phase.FINAL
        entry = self._envelope.ledger.entry(taken)
        await connection.text(stuff(mail), entry.hand_over, partial(self._conclude, taken, entry))

    def _conclude(self, taken: Sequence[str], entry: Entry, reply: Reply) -> None:
        """Take note of the last answer, before anything else can happen."""
        self._check(Phase.FINAL, reply)
        entry.serve()
        self.fates.update(dict.fromkeys(taken))
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

    def _mail_command(self, connection: Connection, recipients: Sequence[Address], mail: bytes) -> str:
        sender = self._envelope.sender
        line = f"MAIL FROM:<{sender.mailbox}>"
        if connection.offers("size"):
            line += f" SIZE={len(mail)}"
        if not mail.isascii() and connection.offers("8bitmime"):
            line += " BODY=8BITMIME"
        if not mail.isascii() or any(address.needs_smtputf8 for address in (sender, *recipients)):
            line += " SMTPUTF8"
        return line

    async def _offer(self, connection: Connection, recipients: Sequence[Address]) -> list[str]:
        """Offer the recipients one by one; give those who were taken."""
        self.phase = Phase.RCPT
        taken: list[str] = []
        theirs = False
        for at, address in enumerate(recipients):
            reply = await connection.command(Phase.RCPT, f"RCPT TO:<{address.mailbox}>")
            if taken and wants_another_transaction(reply):
                self.rest = recipients[at:]
                break
            failure = judge(Phase.RCPT, reply, server=self._envelope.server, about=f"<{address.mailbox}>")
            if failure is None:
                taken.append(address.mailbox)
            elif failure.kind in {Kind.THROTTLED, Kind.OUTAGE}:
                raise failure
            else:
                self.fates[address.mailbox] = self.refusal = failure
                theirs = theirs or not may_concern_all(reply, failure)
        if taken or theirs:
            self.refusal = None
        return taken

    async def _ask(self, connection: Connection, phase: Phase, line: str) -> None:
        self.phase = phase
        self._check(phase, await connection.command(phase, line))

    def _check(self, phase: Phase, reply: Reply) -> None:
        about = f"<{self._envelope.sender.mailbox}>" if phase is Phase.MAIL else ""
        failure = judge(phase, reply, server=self._envelope.server, about=about)
        if failure is not None:
            raise failure


async def reset(connection: Connection) -> None:
    """Make the server forget a transaction that was begun; a connection on which that fails is let go, quietly."""
    if not connection.usable:
        return
    try:
        reply = await connection.command(Phase.IDLE, "RSET")
    except Lost:
        connection.abort()
    else:
        if reply.code // 100 != 2:  # noqa: PLR2004 (2yz: RFC 5321 4.2.1)
            connection.abort()


def stuff(mail: bytes) -> bytes:
    """Double each dot that begins a line, so that none of them ends the mail (RFC 5321 4.5.2)."""
    stuffed = mail.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed
