"""The one place that knows every adapter: adding a notifier is adding a line to each of two tables."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dispatcher.brokers.base import Broker
from dispatcher.brokers.rabbitmq import RabbitBroker
from dispatcher.contract.base import Notification
from dispatcher.flow.consumer import Handler
from dispatcher.flow.notify import Notify
from dispatcher.notifiers.base import Notifier
from dispatcher.notifiers.email import EmailNotifier
from dispatcher.rendering.renderer import Renderer
from dispatcher.settings import Settings
from dispatcher.words.errors import UnknownQueue
from dispatcher.words.retries import Ladder

NOTIFIERS: Mapping[str, type[Notifier]] = {"email": EmailNotifier}
"""The way to the outside, by queue."""

_MAKERS: Mapping[str, Callable[[Settings], Notifier]] = {
    "email": lambda settings: EmailNotifier(settings.notifiers.email),
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lane:
    """Everything that serves one queue."""

    queue: str
    notifier: Notifier
    renderer: Renderer

    @property
    def handler(self) -> Handler:
        """What tries a message once."""
        return Notify(self.notifier, self.renderer)


def contract_of(queue: str) -> type[Notification]:
    """Give what the bodies in a queue look like.

    Raises:
        UnknownQueue: we serve no such queue.

    """
    if queue not in NOTIFIERS:
        raise UnknownQueue(f"there is no queue {queue}; known are {', '.join(NOTIFIERS)}")
    return NOTIFIERS[queue].contract


def make_ladder(settings: Settings) -> Ladder:
    """Make the ladder of the settings."""
    return Ladder(settings.service.retry.ladder)


def make_broker(settings: Settings) -> Broker:
    """Make the broker of the settings."""
    return RabbitBroker(settings.brokers.rabbitmq, make_ladder(settings))


def make_lanes(settings: Settings) -> tuple[Lane, ...]:
    """Make what serves each queue.

    Raises:
        SettingsError: a file that a notifier needs cannot be read.

    """
    return tuple(_make_lane(queue, make(settings), settings) for queue, make in _MAKERS.items())


def _make_lane(queue: str, notifier: Notifier, settings: Settings) -> Lane:
    renderer = Renderer(
        settings.service.templates,
        queue,
        notifier.formats,
        flat_format=notifier.flat_format,
        on_broken=lambda sentence: log.error("%s", sentence),
    )
    return Lane(queue, notifier, renderer)
