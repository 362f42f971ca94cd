"""Mails over SMTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP

from helpers.inboxes.mail import Mail
from helpers.inboxes.parts import LARGEST

if TYPE_CHECKING:
    from helpers.inboxes.store import Store

PATIENCE = 3600.0


class Conversation(SMTP):
    """One connection."""

    def __init__(self, store: Store, open_ones: set[Conversation]) -> None:
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
        self._open_ones = open_ones

    def connection_made(self, transport: Any) -> None:
        """Remember the connection: it is ended with the sandbox."""
        super().connection_made(transport)
        self._open_ones.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        super().connection_lost(error)
        self._open_ones.discard(self)

    async def handle_DATA(self, _server: object, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        """Keep a mail."""
        sender = "" if envelope.mail_from == "<>" else envelope.mail_from
        recipients, raw, helo = tuple(envelope.rcpt_tos), bytes(envelope.content), session.host_name or ""
        kept = self._store.add(lambda number, now: Mail(number, now, sender, recipients, raw, helo))
        return f"250 2.0.0 Kept as {kept.id}"
