"""The tree of all settings. Each section stands beside what it configures; here they are put together.

The names are a promise to users, and so are the defaults: no file at all means just these.
"""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from dispatcher.brokers.rabbitmq import RabbitSettings
from dispatcher.notifiers.email import EmailSettings
from dispatcher.notifiers.slack import SlackSettings
from dispatcher.notifiers.telegram import TelegramSettings
from dispatcher.rendering.settings import TemplateSettings
from dispatcher.words.retries import Ladder
from dispatcher.words.sections import Duration, Section

DEFAULT_LADDER = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 600, 3_600, 21_600))


def _split(rungs: Any) -> Any:
    """Take `10s, 1m` or `["10s", "1m"]` from an environment variable for a list."""
    return [rung.strip(' "') for rung in rungs.strip(" []").split(",")] if isinstance(rungs, str) else rungs


def _a_ladder(rungs: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    return Ladder(rungs).rungs


class RetrySettings(Section):
    """When a message that failed is tried again.

    Attributes:
        ladder: the delays between attempts, growing.

    """

    ladder: Annotated[tuple[Duration, ...], NoDecode, BeforeValidator(_split), AfterValidator(_a_ladder)] = (
        DEFAULT_LADDER
    )


class ServiceSettings(Section):
    """The daemon itself.

    Attributes:
        templates: where they lie and how far a rendering may go.
        retry: when a message that failed is tried again.
        drain_timeout: how long what is in hand may take to finish when the daemon is stopped.

    """

    templates: TemplateSettings = TemplateSettings()
    retry: RetrySettings = RetrySettings()
    drain_timeout: Duration = timedelta(seconds=30)


class BrokersSettings(Section):
    """Where the queues are."""

    rabbitmq: RabbitSettings = RabbitSettings()


class NotifiersSettings(Section):
    """The ways to the outside; one for each queue, of the same name."""

    email: EmailSettings = EmailSettings()
    telegram: TelegramSettings = TelegramSettings()
    slack: SlackSettings = SlackSettings()


class Settings(Section):
    """Everything that can be set."""

    brokers: BrokersSettings = BrokersSettings()
    service: ServiceSettings = ServiceSettings()
    notifiers: NotifiersSettings = NotifiersSettings()
