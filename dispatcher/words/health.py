"""How a daemon is doing, as health pages, `check` and later metrics tell it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """What a daemon does with a queue. A closed set."""

    TAKING = "taking"  # messages are taken and sent
    TRYING = "trying"  # the service answers again: one message at a time is sent, until one gets through
    PAUSED = "paused"  # the service is away: nothing is taken until a probe finds it back
    WAITING = "waiting"  # the broker hands nothing out
    OFF = "off"  # the notifier lacks what it needs to send


@dataclass(frozen=True, slots=True)
class QueueHealth:
    """How one queue is doing.

    Attributes:
        state: in one word.
        since: when that began; nothing where it has always been so.
        text: why, in one sentence; nothing where all is well.

    """

    state: State
    since: datetime | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How a daemon is doing.

    Attributes:
        queues: by name.
        journal: why the journal is not on disk, where it is not.
        stopping: the daemon drains.

    """

    queues: Mapping[str, QueueHealth] = field(default_factory=dict)
    journal: str | None = None
    stopping: bool = False

    @property
    def ready(self) -> bool:
        """Whether whatever is published now is sent now."""
        fine = {State.TAKING, State.TRYING, State.OFF}
        return bool(self.queues) and not self.stopping and all(one.state in fine for one in self.queues.values())
