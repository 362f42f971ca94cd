"""An observer that counts. It adds numbers and does nothing else: what they are for is somebody else's concern."""

from bisect import bisect_left

from dispatcher.words.figures import BOUNDS, QueueFigures
from dispatcher.words.outcomes import Accepted, Rejected, Settlement

_FINE = ("accepted", "")


class Count:
    """Counts settlements.

    Attributes:
        figures: what was counted, by queue.

    """

    def __init__(self) -> None:
        self.figures: dict[str, QueueFigures] = {}

    def of(self, queue: str) -> QueueFigures:
        """Give the figures of a queue; they begin with zeros."""
        return self.figures.setdefault(queue, QueueFigures())

    def __call__(self, settlement: Settlement) -> None:
        """Count one."""
        figures = self.figures.get(settlement.queue) or self.of(settlement.queue)
        figures.spans[bisect_left(BOUNDS, settlement.seconds)] += 1
        figures.seconds += settlement.seconds
        if settlement.redelivered:
            figures.redelivered += 1
        outcomes = settlement.outcomes
        if len(outcomes) == 1 and type(outcomes[0]) is Accepted:  # nearly all of them
            figures.settled[_FINE] += 1
            return
        failure = settlement.failure
        figures.settled[settlement.outcome, failure.reason.value if failure else ""] += 1
        for outcome in outcomes:
            if isinstance(outcome, Rejected):
                figures.dead_letters[outcome.failure.reason.value] += 1
