"""The notifier of the queue `telegram`."""

from collections.abc import Mapping
from typing import Any, ClassVar

from dispatcher.contract.base import Notification, Part
from dispatcher.contract.telegram import TelegramNotification
from dispatcher.notifiers.base import Notifier, Report
from dispatcher.notifiers.telegram.settings import TelegramSettings
from dispatcher.words.texts import Dialect, Rendered


class TelegramNotifier(Notifier):
    """Hands messages to the Bot API."""

    contract: ClassVar[type[Notification]] = TelegramNotification
    formats: ClassVar[Mapping[str, Dialect]] = {
        "html": Dialect.TELEGRAM_HTML,
        "md": Dialect.MARKDOWN_V2,
        "txt": Dialect.TELEGRAM_TEXT,
    }

    def __init__(self, settings: TelegramSettings) -> None:
        self._settings = settings

    async def send(
        self, message_id: str, notification: Any, part: Part, rendered: Rendered, done: frozenset[int]
    ) -> Report:
        """Hand one part to the service."""
        raise NotImplementedError

    async def check(self) -> str:
        """Ask who we are."""
        raise NotImplementedError

    async def close(self) -> None:
        """Let go of the connections."""
        return
