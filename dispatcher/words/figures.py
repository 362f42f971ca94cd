"""What a daemon has done so far, in numbers that only grow; metrics are made of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""The upper ends of the spans of time by which settlements are counted, in seconds; a last one has no end."""


@dataclass(slots=True)
class QueueFigures:
    """What was done with the deliveries of one queue.

    Attributes:
        settled: how many were settled, by outcome and reason; the reason is empty where nothing failed.
        dead_letters: how many were made, by reason.
        redelivered: how many of those settled the broker had handed out before.
        spans: how many were settled within each span of `BOUNDS`, and one that is longer than all.
        seconds: how long all of them took together.
        in_hand: how many are in hand now; the one number that falls.

    """

    settled: Counter[tuple[str, str]] = field(default_factory=Counter)
    dead_letters: Counter[str] = field(default_factory=Counter)
    redelivered: int = 0
    spans: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0
    in_hand: int = 0

    def add(self, other: "QueueFigures") -> None:
        """Add what another process did."""
        self.settled.update(other.settled)
        self.dead_letters.update(other.dead_letters)
        self.redelivered += other.redelivered
        self.spans = [one + more for one, more in zip(self.spans, other.spans, strict=True)]
        self.seconds += other.seconds
        self.in_hand += other.in_hand


Figures = Mapping[str, QueueFigures]
"""By queue."""


def together(parts: Iterable[Figures]) -> dict[str, QueueFigures]:
    """Add up what several processes did."""
    whole: dict[str, QueueFigures] = {}
    for part in parts:
        for queue, figures in part.items():
            whole.setdefault(queue, QueueFigures()).add(figures)
    return whole


def to_json(figures: Figures) -> dict[str, Any]:
    """Give them as they are written in JSON."""
    return {
        queue: {
            "settled": [[outcome, reason, count] for (outcome, reason), count in one.settled.items()],
            "dead_letters": one.dead_letters,
            "redelivered": one.redelivered,
            "spans": one.spans,
            "seconds": one.seconds,
            "in_hand": one.in_hand,
        }
        for queue, one in figures.items()
    }


def from_json(value: Any) -> Figures:
    """Read what `to_json` gives.

    Raises:
        ValueError: it is something else.

    """
    try:
        return {queue: _read(one) for queue, one in value.items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError("these are no figures of a daemon") from error


def _read(value: Any) -> QueueFigures:
    spans = [int(count) for count in value["spans"]]
    if len(spans) != len(BOUNDS) + 1:
        raise ValueError("another number of spans")
    return QueueFigures(
        settled=Counter({(str(outcome), str(reason)): int(count) for outcome, reason, count in value["settled"]}),
        dead_letters=Counter({str(reason): int(count) for reason, count in value["dead_letters"].items()}),
        redelivered=int(value["redelivered"]),
        spans=spans,
        seconds=float(value["seconds"]),
        in_hand=int(value["in_hand"]),
    )
