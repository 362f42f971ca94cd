"""Mails over SMTP, and what goes wrong with them on request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP

from helpers.inboxes.mail import Mail
from helpers.inboxes.parts import LARGEST

if TYPE_CHECKING:
    from helpers.inboxes.faults import Fault, Faults
    from helpers.inboxes.store import Store

PATIENCE = 3600.0
"""Seconds until an idle connection is ended: whoever hangs on request, hangs longer than anybody waits."""
TEXTS = {
    421: "4.7.0 Too many connections, try again later",
    450: "4.2.0 Mailbox busy",
    451: "4.3.0 Local error, try again later",
    452: "4.2.2 Mailbox full",
    550: "5.1.1 No such user",
    552: "5.2.2 Mailbox full",
    553: "5.1.3 Bad address",
    554: "5.7.1 Refused",
}


class Conversation(SMTP):
    """One connection."""

    def __init__(self, store: Store, faults: Faults, open_ones: set[Conversation]) -> None:
        super().__init__(
            self,
            data_size_limit=LARGEST,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="Sandbox",
            timeout=PATIENCE,
            loop=asyncio.get_running_loop(),
        )
        self._store = store
        self._faults = faults
        self._open_ones = open_ones

    def connection_made(self, transport: Any) -> None:
        """Remember the connection: it is ended with the sandbox."""
        super().connection_made(transport)
        self._open_ones.add(self)
        # That the other side went away in the middle is nothing to complain of.
        self._handler_coroutine.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        super().connection_lost(error)
        self._open_ones.discard(self)

    async def push(self, status: str | bytes) -> None:
        """Answer; after a 421 the connection ends."""
        await super().push(status)
        if status[:4] in {"421 ", b"421 "} and self.transport:
            self.transport.close()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's
        """Let go wrong what goes wrong before the text."""
        fault = self._faults.take("email", "data", self.envelope.rcpt_tos) if self.envelope.rcpt_tos else None
        if not await self._befall(fault):
            await super().smtp_DATA(arg)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's
        self, _server: object, _session: object, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Take a sender."""
        fault = self._faults.take("email", "mail", [address])
        if not (reply := await self._befall(fault)):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply or "250 2.1.0 Sender taken"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, _server: object, _session: object, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Take a recipient."""
        fault = self._faults.take("email", "rcpt", [address])
        if not (reply := await self._befall(fault)):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return reply or "250 2.1.5 Recipient taken"

    async def handle_DATA(self, _server: object, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        """Keep a mail."""
        fault = self._faults.take("email", "end", envelope.rcpt_tos)
        unknown = fault is not None and fault.deed in {"hang", "cut"}
        if not unknown and (reply := await self._befall(fault)):
            return reply
        sender = "" if envelope.mail_from == "<>" else envelope.mail_from
        recipients, raw, helo = tuple(envelope.rcpt_tos), bytes(envelope.content), session.host_name or ""
        kept = self._store.add(lambda number, now: Mail(number, now, sender, recipients, raw, helo))
        if unknown:
            await self._befall(fault)
        return f"250 2.0.0 Kept as {kept.id}"

    async def _befall(self, fault: Fault | None) -> str:
        """Let a fault happen; give what is answered because of it, nothing where all goes on."""
        if fault is None:
            return ""
        if fault.deed == "slow":
            await asyncio.sleep(fault.seconds)
            return ""
        if fault.deed == "garbage":
            return "This is no SMTP"
        if fault.code:
            return f"{fault.code} {fault.text or TEXTS.get(fault.code, f'{fault.code // 100}.0.0 Not taken')}"
        if fault.deed == "cut" and self.transport:
            self.transport.abort()
        await asyncio.Event().wait()  # which is cancelled when the connection ends
        return ""
