"""The tree of all settings. Each section stands beside what it configures; here they are put together.

The names are a promise to users, and so are the defaults: no file at all means just these.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode

from dispatcher.brokers.rabbitmq import RabbitSettings
from dispatcher.notifiers.email import EmailSettings
from dispatcher.notifiers.slack import SlackSettings
from dispatcher.notifiers.telegram import TelegramSettings
from dispatcher.rendering.settings import TemplateSettings
from dispatcher.words.retries import Ladder
from dispatcher.words.sections import Duration, Section, Wait
from dispatcher.words.values import split_list


def _state_folder() -> Path | None:
    """Give where programs keep what outlives them: what systemd names, or the XDG Base Directory Specification 0.8.

    A user without a home, as in many containers, has no such place.
    """
    named = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if named:
        return Path(named) / "journal"
    state = os.environ.get("XDG_STATE_HOME", "")
    try:
        home = Path(state) if Path(state).is_absolute() else Path("~/.local/state").expanduser()
    except RuntimeError:
        return None
    return home / "dispatcher" / "journal"


DEFAULT_LADDER = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 600, 3_600, 21_600))


def _a_ladder(rungs: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    return Ladder(rungs).rungs


class RetrySettings(Section):
    """When a message that failed is tried again.

    Attributes:
        ladder: the delays between attempts, growing.

    """

    ladder: Annotated[tuple[Duration, ...], NoDecode, BeforeValidator(split_list), AfterValidator(_a_ladder)] = (
        DEFAULT_LADDER
    )


class ProbeSettings(Section):
    """How often it is tried whether a service that was away is back: growing waits, each spread over its upper half.

    Attributes:
        shortest: the first wait.
        longest: where they stop growing.

    """

    shortest: Wait = timedelta(seconds=1)
    longest: Wait = timedelta(seconds=60)

    @model_validator(mode="after")
    def _they_grow(self) -> Self:
        if self.shortest > self.longest:
            raise ValueError("longest must not be shorter than shortest")
        return self


class JournalSettings(Section):
    """What the daemons of one host remember of what they sent, so that nothing is sent twice.

    Attributes:
        path: its folder, for all daemons of the host; made when missing. Without one it lies where programs keep their
            state.
        keep: how long what was sent is remembered, at least.

    """

    path: Path | None = None
    keep: Wait = timedelta(hours=1)

    @property
    def folder(self) -> Path | None:
        """The folder in force; none where there is no place for it, and what was sent is remembered in memory."""
        return self.path or _state_folder()


class HealthSettings(Section):
    """A page that tells how the daemon is doing.

    Attributes:
        host: the address to listen on.
        port: `0` means no page.

    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8070


class ServiceSettings(Section):
    """The daemon itself.

    Attributes:
        templates: where they lie and how far a rendering may go.
        retry: when a message that failed is tried again.
        probe: how often a service that is away is tried.
        journal: what was sent lately.
        health: how the daemon is doing.
        processes: how many processes take messages side by side; without it one for each core that we may use.
        drain_timeout: how long what is in hand may take to finish when the daemon is stopped.

    """

    templates: TemplateSettings = TemplateSettings()
    retry: RetrySettings = RetrySettings()
    probe: ProbeSettings = ProbeSettings()
    journal: JournalSettings = JournalSettings()
    health: HealthSettings = HealthSettings()
    processes: Annotated[int, Field(ge=1, le=64)] | None = None
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
