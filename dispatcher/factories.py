"""The one place that knows every adapter: adding a notifier is adding a line here."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from dispatcher.brokers.base import Broker
from dispatcher.brokers.rabbitmq import RabbitBroker
from dispatcher.contract.base import Notification
from dispatcher.contract.email import EmailNotification
from dispatcher.flow.consumer import Handler
from dispatcher.flow.notify import Notify
from dispatcher.notifiers.base import Notifier
from dispatcher.notifiers.email import EmailNotifier
from dispatcher.rendering.renderer import Renderer
from dispatcher.settings import Settings
from dispatcher.words.retries import Ladder

CONTRACTS: Mapping[str, type[Notification]] = {"email": EmailNotification}
"""What the bodies in each queue look like."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that serves one queue."""

    queue: str
    notifier: Notifier
    renderer: Renderer

    @property
    def handler(self) -> Handler:
        """What tries a message once."""
        return Notify(self.notifier, self.renderer)


def make_ladder(settings: Settings) -> Ladder:
    """Make the ladder of the settings."""
    return Ladder(settings.service.retry.ladder)


def make_broker(settings: Settings) -> Broker:
    """Make the broker of the settings."""
    return RabbitBroker(settings.brokers.rabbitmq, make_ladder(settings))


def make_desks(settings: Settings) -> tuple[Desk, ...]:
    """Make what serves each queue."""
    notifiers: dict[str, Notifier] = {"email": EmailNotifier(settings.notifiers.email)}
    flat = {"email": "html"}
    return tuple(
        Desk(
            queue,
            notifier,
            Renderer(
                settings.service.templates,
                queue,
                notifier.formats,
                flat_format=flat.get(queue),
                on_broken=lambda sentence: log.error("%s; the last good version is used", sentence),
            ),
        )
        for queue, notifier in notifiers.items()
    )
