"""The notifier of the queue `email`: one part, one mail, one attempt.

addresses → draft → mail → transactions, each on a connection of the pool → who was not served, and why
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from dispatcher.contract.base import Part
from dispatcher.notifiers.base import Notifier, Report, Traits
from dispatcher.notifiers.email.addresses import parse_sender
from dispatcher.notifiers.email.compose import Draft, compose, least_size
from dispatcher.notifiers.email.connect import Connector
from dispatcher.notifiers.email.connection import Lost
from dispatcher.notifiers.email.everybody import Everybody
from dispatcher.notifiers.email.ledger import MailboxLedger
from dispatcher.notifiers.email.pool import Pool
from dispatcher.notifiers.email.progress import Progress, pending, read_people
from dispatcher.notifiers.email.replies import Phase, judge, judge_loss
from dispatcher.notifiers.email.settings import EmailSettings
from dispatcher.notifiers.email.traits import TRAITS
from dispatcher.notifiers.email.transaction import Envelope, Transaction
from dispatcher.notifiers.interruption import Interruption, interrupted
from dispatcher.notifiers.large import compose_aside
from dispatcher.notifiers.ledger import Ledger
from dispatcher.notifiers.unknown import is_final
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.rates import Destination, Rate
from dispatcher.words.texts import Rendered

INTERRUPTED = interrupted("before everybody was served")


def _now() -> datetime:
    return datetime.now(UTC)


class EmailNotifier(Notifier):
    """Hands mails to one SMTP server.

    Args:
        settings: which, and how.
        now: gives the date of a mail.

    Raises:
        SettingsError: a certificate cannot be read.

    """

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, settings: EmailSettings, *, now: Callable[[], datetime] = _now) -> None:
        self._settings = settings
        self._now = now
        self._server = settings.server
        self._sender = parse_sender(settings.sender, "sender")
        self._pool = Pool(Connector(settings), settings)
        self._everybody = Everybody(self._sender.mailbox, self.check)

    async def send(self, message_id: str, notification: Any, part: Part, rendered: Rendered, ledger: Ledger) -> Report:
        """Hand one part to the server, in as many transactions as it asks for."""
        people, failures = read_people(part)
        author = parse_sender(notification.sender, "from") if notification.sender else self._sender
        draft = Draft(
            notification=notification,
            part=part,
            rendered=rendered,
            message_id=message_id,
            author=author,
            people=people,
            date=self._now(),
            max_size=self._settings.max_size,
        )
        progress = Progress(pending(people, ledger.done))
        if progress.waiting:
            mailboxes = MailboxLedger(ledger, people)
            async with self._pool.place():
                await self._hand_over(draft, progress, mailboxes)
        for slot, address in people.items():
            failure = progress.fates.get(address.mailbox)
            if failure is not None:
                failures[slot] = failure
        if ledger.done:
            failures = {slot: failure for slot, failure in failures.items() if slot not in ledger.done}
        return Report(failures, progress.reference)

    @property
    def unknown_is_final(self) -> bool:
        """Whether the settings say so."""
        return is_final(self._settings.unknown)

    @property
    def rates(self) -> Sequence[Rate]:
        """How much the server takes of all mails together."""
        return [self._settings.pace.server] if self._settings.pace.server else []

    def destinations(self, part: Part, done: frozenset[int]) -> Sequence[Destination]:
        """Name the domains of the recipients, as far as they have a rate."""
        pace = self._settings.pace
        if pace.domain is None and not pace.domains:
            return ()
        people, _ = read_people(part)
        domains = dict.fromkeys(address.domain for slot, address in people.items() if slot not in done)
        rates = ((domain, pace.of(domain.lower())) for domain in domains)
        return [Destination(f"domain {domain}", (rate,)) for domain, rate in rates if rate is not None]

    async def check(self) -> str:
        """Connect, log in, say NOOP and part."""
        connection = await self._pool.open()
        server = self._server
        try:
            reply = await connection.command(Phase.IDLE, "NOOP")
        except Lost as lost:
            raise judge_loss(lost.phase, lost.what, server=server) from lost
        finally:
            await connection.quit()
        failure = judge(Phase.IDLE, reply, server=server)
        if failure is not None:
            raise failure
        return ", ".join([server, *_manner(self._settings)])

    async def close(self) -> None:
        """Part from the server."""
        await self._pool.close()

    async def _hand_over(self, draft: Draft, progress: Progress, mailboxes: MailboxLedger) -> None:
        """Serve everybody who is waiting, in one transaction after the other.

        Raises:
            Failure: nobody was served, all for the same reason; or the service is away or busy, so that nothing more
                can be said about anybody.
            DeliveryLost: the message is not ours any more.
            asyncio.CancelledError: interrupted, and nobody was served.

        """
        interruption = Interruption()
        mailboxes.begin()  # it may have waited long for its place
        with mailboxes.work():
            envelope = Envelope(mailboxes, self._server, draft.author, await _writer(draft))
        while progress.waiting:
            transaction = Transaction(envelope, progress.waiting[: self._settings.max_recipients])
            try:
                await self._pool.use(transaction.run)
            except Failure as failure:
                progress.add(transaction)
                await self._break_off(draft, transaction, failure, progress)
            except asyncio.CancelledError:
                progress.add(transaction)
                if not progress.has_served:
                    raise
                progress.end(lambda _: INTERRUPTED)
            else:
                progress.add(transaction)
                await self._conclude(draft, transaction, progress)
                if interruption.came:
                    progress.end(lambda _: INTERRUPTED)

    async def _conclude(self, draft: Draft, transaction: Transaction, progress: Progress) -> None:
        """Learn from a transaction that came to its end what it tells about the server.

        Raises:
            Failure: it refuses everybody (outage), and nobody was served.

        """
        if transaction.refusal is None:
            if transaction.phase is not Phase.IDLE:
                self._everybody.got_through(transaction)
            return
        judged = await self._everybody.judge_refusal(draft, transaction, transaction.refusal)
        if judged is not transaction.refusal:
            progress.end(lambda _: judged)
            progress.fates |= {address.mailbox: judged for address in transaction.recipients}
            if not progress.has_served:
                raise judged

    async def _break_off(self, draft: Draft, transaction: Transaction, failure: Failure, progress: Progress) -> None:
        """Say what a failure in the middle means for everybody who has no fate yet.

        Raises:
            Failure: it, if nobody was served.
            asyncio.CancelledError: interrupted, and nobody was served.

        """
        try:
            judged = await self._everybody.judge(draft, transaction, failure)
        except asyncio.CancelledError:
            if not progress.has_served:
                raise
            judged = INTERRUPTED
        tried = {address.mailbox for address in transaction.recipients}
        progress.end(lambda mailbox: judged if mailbox in tried else _not_tried(judged))
        alike = all(fate is judged for fate in progress.fates.values())
        if alike or (judged.kind in {Kind.OUTAGE, Kind.THROTTLED} and not progress.has_served):
            raise judged


async def _writer(draft: Draft) -> Callable[[bool], Awaitable[bytes]]:
    """Write the mail, before any connection is taken, and give what hands it out.

    Only where an address needs SMTPUTF8 does the mail depend on the server; then it is written once more for a server
    that does not offer it.

    Raises:
        Failure: the mail cannot be written (content).

    """
    mail = await _compose(draft, utf8=True)

    async def write(capable: bool) -> bytes:  # noqa: FBT001 (one argument, named at its only use)
        return mail if capable or mail.isascii() else await _compose(draft, utf8=False)

    return write


async def _compose(draft: Draft, *, utf8: bool) -> bytes:
    return await compose_aside(partial(compose, draft, utf8=utf8), least_size(draft))


def _not_tried(failure: Failure) -> Failure:
    """Give the failure for those whose transaction did not begin: they were surely not served."""
    if failure.kind is not Kind.UNKNOWN:
        return failure
    return Failure(Kind.TRANSIENT, Reason.SMTP_CUT, f"not tried after this: {failure.text}")


def _manner(settings: EmailSettings) -> list[str]:
    tls = {"none": "without TLS", "starttls": "starttls", "implicit": "implicit TLS"}[settings.tls]
    return [tls] if settings.username is None else [tls, f"logged in as {settings.username}"]
