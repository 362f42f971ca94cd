"""The notifier of the queue `telegram`: one recipient, one text in as many messages as it takes, one attempt.

chat → messages → one after the other through the Bot API → how many were taken, or why one was not
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import Any, ClassVar

from dispatcher.contract.base import Part
from dispatcher.contract.telegram import TelegramNotification
from dispatcher.notifiers.base import Notifier, Report, Traits
from dispatcher.notifiers.large import compose_aside
from dispatcher.notifiers.ledger import Entry, Ledger
from dispatcher.notifiers.streak import Streak
from dispatcher.notifiers.telegram.api import Api
from dispatcher.notifiers.telegram.chats import parse_chat
from dispatcher.notifiers.telegram.compose import Outgoing, compose
from dispatcher.notifiers.telegram.sending import Sending
from dispatcher.notifiers.telegram.settings import TelegramSettings
from dispatcher.notifiers.telegram.traits import TRAITS
from dispatcher.notifiers.unknown import is_final
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.rates import Destination, Rate
from dispatcher.words.texts import Rendered

_EVERYBODYS = {Reason.SERVICE_ERROR, Reason.SERVICE_UNREACHABLE}
"""What several messages in a row can only have met because the service does it to all."""


class TelegramNotifier(Notifier):
    """Hands messages to the Bot API.

    Args:
        settings: as which bot, and how.

    Raises:
        SettingsError: a certificate cannot be read, or a proxy not be used.

    """

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, settings: TelegramSettings) -> None:
        self._settings = settings
        self._api = Api(settings)
        self._streak = Streak("messages")
        # As many as there are connections: who waits for one too long would have failed.
        self._free_connections = asyncio.Semaphore(settings.connections)

    async def send(self, message_id: str, notification: Any, part: Part, rendered: Rendered, ledger: Ledger) -> Report:
        """Hand one part to the service, from the first message on that its recipient does not have."""
        (recipient,) = part.recipients
        if recipient.slot in ledger.done:
            return Report()
        chat = parse_chat(recipient.address)
        with ledger.work():
            messages, remark = await _compose(notification, rendered)
        entry = Entry(ledger, (recipient.slot,))
        entry.begin()
        sending = Sending(self._api, entry, notification, rendered.template, chat, part.pieces)
        sending.remarks += filter(None, [remark])
        began = monotonic()
        async with self._free_connections:
            try:
                with ledger.work():
                    await sending.run(messages)
            except Failure as failure:
                judged = await self._judge_streak(message_id, failure, sending, began)
                raise judged from None
        self._streak.end(began)
        return sending.report()

    @property
    def unknown_is_final(self) -> bool:
        """Whether the settings say so."""
        return is_final(self._settings.unknown)

    @property
    def rates(self) -> Sequence[Rate]:
        """How much the service takes of the bot."""
        return [self._settings.pace.bot] if self._settings.pace.bot else []

    def destinations(self, part: Part, done: frozenset[int]) -> Sequence[Destination]:
        """Name the chat, as far as it has a rate."""
        pace = self._settings.pace
        (recipient,) = part.recipients
        try:
            chat = parse_chat(recipient.address)
        except Failure:
            return ()
        rates = tuple(rate for rate in (pace.chat, pace.group if chat.is_group else None) if rate is not None)
        return [Destination(f"{chat}", rates)] if rates and recipient.slot not in done else ()

    async def check(self) -> str:
        """Ask who we are."""
        async with self._free_connections:
            return f"{await self._api.name()} at {self._api.server}"

    async def close(self) -> None:
        """Let go of the connections."""
        await self._api.close()

    async def _judge_streak(self, message_id: str, failure: Failure, sending: Sending, began: float) -> Failure:
        """Give the failure, or the outage that it shows, with what the recipient has."""
        if failure.kind is Kind.TRANSIENT and failure.reason in _EVERYBODYS:
            failure = await self._streak.weigh(message_id, failure, str(sending.chat), self._api.name)
        elif failure.kind is not Kind.UNKNOWN and failure.reason is not Reason.INTERRUPTED:
            self._streak.end(began)
        return Failure(failure.kind, failure.reason, failure.text, wait=failure.wait, pieces=sending.pieces)


async def _compose(notification: TelegramNotification, rendered: Rendered) -> tuple[list[Outgoing], str | None]:
    file = notification.photo or notification.document
    attached = 0 if file is None or isinstance(file, str) else len(file.content)
    size = attached + sum(map(len, rendered.texts.values()))
    return await compose_aside(partial(compose, notification, rendered), size)
