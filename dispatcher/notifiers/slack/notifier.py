"""The notifier of the queue `slack`."""

from collections.abc import Mapping
from typing import Any, ClassVar

from dispatcher.contract.base import Notification, Part
from dispatcher.contract.slack import SlackNotification
from dispatcher.notifiers.base import Notifier, Report
from dispatcher.notifiers.slack.settings import SlackSettings
from dispatcher.words.texts import Dialect, Rendered


class SlackNotifier(Notifier):
    """Hands messages to Slack."""

    contract: ClassVar[type[Notification]] = SlackNotification
    formats: ClassVar[Mapping[str, Dialect]] = {"json": Dialect.BLOCK_KIT, "md": Dialect.MRKDWN}

    def __init__(self, settings: SlackSettings) -> None:
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
