"""The one place that knows every adapter: adding a notifier is adding a line to each of two tables.

A notifier that lacks what it needs to send is off: its queue is there all the same, and its messages wait.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dispatcher.brokers.base import Broker
from dispatcher.brokers.rabbitmq import RabbitBroker
from dispatcher.contract.base import Notification
from dispatcher.flow.circumstances import Circumstances
from dispatcher.flow.consumer import Consumer, Observer
from dispatcher.flow.journal import Journal
from dispatcher.flow.notify import Notify
from dispatcher.flow.outages import Outages
from dispatcher.flow.page import Page
from dispatcher.journal import HostJournal
from dispatcher.notifiers import email, slack, telegram
from dispatcher.notifiers.base import Notifier, Traits
from dispatcher.rendering.renderer import Renderer
from dispatcher.settings import NotifiersSettings, Settings
from dispatcher.words.errors import SettingsError, UnknownQueue
from dispatcher.words.retries import Ladder

NOTIFIERS: Mapping[str, Traits] = {"email": email.TRAITS, "telegram": telegram.TRAITS, "slack": slack.TRAITS}
"""The ways to the outside, by queue."""

_MAKERS: Mapping[str, Callable[[NotifiersSettings], Notifier]] = {
    "email": lambda settings: email.EmailNotifier(settings.email),
    "telegram": lambda settings: telegram.TelegramNotifier(settings.telegram),
    "slack": lambda settings: slack.SlackNotifier(settings.slack),
}

_LIBRARIES: Mapping[str, str] = {"telegram": "python-telegram-bot", "slack": "slack-sdk"}
"""What a notifier cannot do without, and what only comes with the extra of the package that has its name."""

LOOK_EVERY = 0.02
"""Seconds between two looks at the files of one template: nobody who saves one can tell, and mails are far quicker."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lane:
    """Everything that serves one queue.

    Attributes:
        queue: its name.
        notifier: the way to the outside; nothing where that is off.
        renderer: the templates.
        off: why it is off, where it is.

    """

    queue: str
    notifier: Notifier | None
    renderer: Renderer
    off: str | None = None


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
        SettingsError: a file that a notifier needs cannot be read, or its library is not installed.

    """
    return tuple(_make_lane(queue, settings) for queue in NOTIFIERS)


def make_journal(settings: Settings) -> Journal:
    """Make the journal of the settings."""
    journal = settings.service.journal
    return HostJournal(journal.folder, journal.keep)


def make_consumer(lane: Lane, settings: Settings, journal: Journal, observers: Sequence[Observer]) -> Consumer | None:
    """Make what works off a queue; nothing where its notifier is off."""
    notifier = lane.notifier
    if notifier is None:
        return None

    async def probe() -> None:
        lane.renderer.check()
        await notifier.check()

    page = Page(journal, settings.brokers.rabbitmq.address, lane.queue)
    waits = settings.service.probe
    outages = Outages(lane.queue, probe, waits.shortest.total_seconds(), waits.longest.total_seconds())
    handler = Notify(notifier, lane.renderer, page, outages=outages)
    return Consumer(lane.queue, handler, make_ladder(settings), observers, Circumstances(page, outages))


def _make_lane(queue: str, settings: Settings) -> Lane:
    traits = NOTIFIERS[queue]
    renderer = Renderer(
        settings.service.templates,
        queue,
        traits.formats,
        flat_format=traits.flat_format,
        on_broken=lambda sentence: log.error("%s", sentence),
        look_every=LOOK_EVERY,
    )
    off = getattr(settings.notifiers, queue).off
    return Lane(queue, None if off else _make_notifier(queue, settings), renderer, off)


def _make_notifier(queue: str, settings: Settings) -> Notifier:
    try:
        return _MAKERS[queue](settings.notifiers)
    except ModuleNotFoundError as error:
        if queue not in _LIBRARIES or (error.name or "").partition(".")[0] == "dispatcher":
            raise
        raise SettingsError(
            f"notifiers.{queue} needs {_LIBRARIES[queue]}, which is not installed: pip install 'dispatcher[{queue}]'"
        ) from error
