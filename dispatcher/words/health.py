"""How a daemon is doing, as health pages, `check` and later metrics tell it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from dispatcher.words.messages import harmless


class State(StrEnum):
    """What a daemon does with a queue. A closed set."""

    TAKING = "taking"  # messages are taken and sent
    TRYING = "trying"  # the service answers again: one message at a time is sent, until one gets through
    PAUSED = "paused"  # the service is away: nothing is taken until a probe finds it back
    WAITING = "waiting"  # the broker hands nothing out
    OFF = "off"  # the notifier lacks what it needs to send


READY = frozenset({State.TAKING, State.TRYING, State.OFF})
"""In these, what is published now is tried now; what is off was meant to be."""


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

    def __str__(self) -> str:
        since = f" since {format_time(self.since)}" if self.since else ""
        return f"{self.state}{since}" + (f": {harmless(self.text)}" if self.text else "")


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
        return bool(self.queues) and not self.stopping and all(one.state in READY for one in self.queues.values())


def to_json(health: Health) -> dict[str, Any]:
    """Give it as it is written in JSON: times as RFC 3339 has them, texts without what could command a terminal."""
    return {
        "ready": health.ready,
        "stopping": health.stopping,
        "queues": {name: _queue_to_json(queue) for name, queue in health.queues.items()},
        "journal": None if health.journal is None else harmless(health.journal),
    }


def from_json(value: Any) -> Health:
    """Read what `to_json` gives; what it does not know of is left aside.

    Raises:
        ValueError: it is something else.

    """
    try:
        queues = {str(name): _queue_from_json(queue) for name, queue in value["queues"].items()}
        health = Health(queues, _text(value["journal"]), value["stopping"] is True)
        sound = value["ready"] is health.ready
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError("is not the health of a daemon") from error
    if not sound:
        raise ValueError("is not the health of a daemon")
    return health


def _queue_to_json(queue: QueueHealth) -> dict[str, str]:
    written = {"state": queue.state.value}
    if queue.since is not None:
        written["since"] = format_time(queue.since)
    if queue.text is not None:
        written["text"] = harmless(queue.text)
    return written


def _queue_from_json(value: Any) -> QueueHealth:
    since = value.get("since")
    return QueueHealth(
        State(value["state"]), None if since is None else datetime.fromisoformat(since), _text(value.get("text"))
    )


def _text(value: Any) -> str | None:
    return None if value is None else harmless(str(value))


def format_time(time: datetime) -> str:
    """Write a time to the second, in UTC: `2026-11-21T12:00:00Z`."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
