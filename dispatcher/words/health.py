"""How a daemon is doing, as health pages, `check` and metrics tell it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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

_WORST_FIRST = (State.WAITING, State.PAUSED, State.TRYING, State.TAKING, State.OFF)


@dataclass(frozen=True, slots=True)
class QueueHealth:
    """How one queue is doing.

    Attributes:
        state: in one word.
        since: when that began; nothing where it has always been so.
        text: why, in one sentence; nothing where all is well.
        processes: how many are in which state, where they differ; `state` is the worst of these.

    """

    state: State
    since: datetime | None = None
    text: str | None = None
    processes: Mapping[State, int] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether somebody takes from it, or nobody was meant to."""
        return self.state in READY or any(state in READY for state in self.processes)

    def __str__(self) -> str:
        some = f" ({self.processes[self.state]} of {sum(self.processes.values())} processes)" if self.processes else ""
        since = f" since {format_time(self.since)}" if self.since else ""
        return f"{self.state}{some}{since}" + (f": {harmless(self.text)}" if self.text else "")


@dataclass(frozen=True, slots=True)
class Health:
    """How a daemon is doing.

    Attributes:
        queues: by name.
        journal: why the journal is not on disk, where it is not.
        stopping: the daemon drains.
        processes: how many run and how many are meant to, where the daemon has several.

    """

    queues: Mapping[str, QueueHealth] = field(default_factory=dict)
    journal: str | None = None
    stopping: bool = False
    processes: tuple[int, int] | None = None

    @property
    def ready(self) -> bool:
        """Whether whatever is published now is sent now."""
        return bool(self.queues) and not self.stopping and all(one.ready for one in self.queues.values())

    @property
    def word(self) -> str:
        """The same in a word, or two."""
        return "stopping" if self.stopping else "ready" if self.ready else "not ready"

    def __str__(self) -> str:
        alike: dict[str, list[str]] = {}
        for name, queue in self.queues.items():
            alike.setdefault(str(queue), []).append(name)
        parts = [self.word, *(f"{', '.join(names)}: {said}" for said, names in alike.items())]
        if self.processes is not None and self.processes[0] < self.processes[1]:
            parts.append("{} of {} processes run".format(*self.processes))
        if self.journal is not None:
            parts.append(f"journal: {harmless(self.journal)}")
        return "; ".join(parts)


def together(parts: Sequence[Health], wanted: int, *, stopping: bool = False) -> Health:
    """Say in one how the processes of a daemon are doing.

    Args:
        parts: of each process that runs.
        wanted: how many are meant to run.
        stopping: the daemon drains.

    """
    names = dict.fromkeys(name for part in parts for name in part.queues)
    queues = {name: _worst([part.queues[name] for part in parts if name in part.queues]) for name in names}
    journal = next((part.journal for part in parts if part.journal is not None), None)
    return Health(queues, journal, stopping, (len(parts), wanted))


def _worst(queues: Sequence[QueueHealth]) -> QueueHealth:
    worst = min(queues, key=lambda one: _WORST_FIRST.index(one.state))
    states = [one.state for one in queues]
    counts = {state: states.count(state) for state in _WORST_FIRST if state in states}
    return replace(worst, processes=counts if len(counts) > 1 else {})


def to_json(health: Health) -> dict[str, Any]:
    """Give it as it is written in JSON: times as RFC 3339 has them, texts without what could command a terminal."""
    written = {
        "ready": health.ready,
        "stopping": health.stopping,
        "queues": {name: _queue_to_json(queue) for name, queue in health.queues.items()},
        "journal": None if health.journal is None else harmless(health.journal),
    }
    if health.processes is not None:
        running, wanted = health.processes
        written["processes"] = {"running": running, "wanted": wanted}
    return written


def from_json(value: Any) -> Health:
    """Read what `to_json` gives; what it does not know of is left aside.

    Raises:
        ValueError: it is something else.

    """
    try:
        queues = {str(name): _queue_from_json(queue) for name, queue in value["queues"].items()}
        crew = value.get("processes")
        processes = None if crew is None else (int(crew["running"]), int(crew["wanted"]))
        health = Health(queues, _text(value["journal"]), value["stopping"] is True, processes)
        sound = value["ready"] is health.ready
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError("is not the health of a daemon") from error
    if not sound:
        raise ValueError("is not the health of a daemon")
    return health


def _queue_to_json(queue: QueueHealth) -> dict[str, Any]:
    written: dict[str, Any] = {"state": queue.state.value}
    if queue.since is not None:
        written["since"] = format_time(queue.since)
    if queue.text is not None:
        written["text"] = harmless(queue.text)
    if queue.processes:
        written["processes"] = {state.value: count for state, count in queue.processes.items()}
    return written


def _queue_from_json(value: Any) -> QueueHealth:
    since = value.get("since")
    processes = {State(state): int(count) for state, count in value.get("processes", {}).items()}
    since = None if since is None else datetime.fromisoformat(since)
    return QueueHealth(State(value["state"]), since, _text(value.get("text")), processes)


def _text(value: Any) -> str | None:
    return None if value is None else harmless(str(value))


def format_time(time: datetime) -> str:
    """Write a time to the second, in UTC: `2026-11-21T12:00:00Z`."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
