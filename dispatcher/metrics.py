"""The figures of a daemon, as Prometheus reads them.

The library is asked for its format alone: what is counted is counted by `observers.figures`, in each process, and added
up before it comes here.
"""

import platform
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from dispatcher import __version__
from dispatcher.words.figures import BOUNDS, Figures, QueueFigures
from dispatcher.words.health import Health, State


def exposition(health: Health, figures: Figures, restarts: int = 0) -> bytes:
    """Write them in the text format.

    Args:
        health: how the daemon is doing.
        figures: what all of its processes did.
        restarts: how many of them had to be started again.

    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Page(health, figures, restarts))
    return generate_latest(registry)


class _Page(Collector):
    def __init__(self, health: Health, figures: Figures, restarts: int) -> None:
        self._health = health
        self._figures = figures
        self._restarts = restarts

    def collect(self) -> Iterator[Metric]:
        yield from _messages(self._figures)
        yield from _daemon(self._health, self._restarts)


def _messages(figures: Figures) -> Iterator[Metric]:
    settled = CounterMetricFamily(
        "dispatcher_messages_settled",
        "Deliveries that were settled, by outcome, and by reason where something failed.",
        labels=("queue", "outcome", "reason"),
    )
    dead = CounterMetricFamily("dispatcher_dead_letters", "Dead letters that were made.", labels=("queue", "reason"))
    again = CounterMetricFamily(
        "dispatcher_messages_redelivered",
        "Deliveries that were settled, and that the broker had handed out before.",
        labels=("queue",),
    )
    seconds = HistogramMetricFamily(
        "dispatcher_settlement_seconds", "Time from a delivery to the end of its settlement.", labels=("queue",)
    )
    in_hand = GaugeMetricFamily("dispatcher_messages_in_hand", "Deliveries in hand now.", labels=("queue",))
    for queue, one in sorted(figures.items()):
        for (outcome, reason), count in sorted(one.settled.items()):
            settled.add_metric((queue, outcome, reason), count)
        for reason, count in sorted(one.dead_letters.items()):
            dead.add_metric((queue, reason), count)
        again.add_metric((queue,), one.redelivered)
        seconds.add_metric((queue,), _buckets(one), one.seconds)
        in_hand.add_metric((queue,), one.in_hand)
    yield from (settled, dead, again, seconds, in_hand)


def _buckets(one: QueueFigures) -> list[tuple[str, float]]:
    """Give how many took at most so long, as the format has it: each bucket holds those before it too."""
    total = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip([*map(str, BOUNDS), "+Inf"], one.spans, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets


def _daemon(health: Health, restarts: int) -> Iterator[Metric]:
    running, wanted = health.processes or (1, 1)
    states = GaugeMetricFamily(
        "dispatcher_queue_state", "How many processes have the queue in this state.", labels=("queue", "state")
    )
    for name, queue in sorted(health.queues.items()):
        counts = queue.processes or {queue.state: running}
        for state in State:
            states.add_metric((name, state.value), counts.get(state, 0))
    yield states
    yield GaugeMetricFamily("dispatcher_ready", "1 where what is published now is sent now.", int(health.ready))
    yield GaugeMetricFamily(
        "dispatcher_journal_on_disk", "0 where the journal had to go on in memory.", int(health.journal is None)
    )
    yield GaugeMetricFamily("dispatcher_processes", "Processes that take messages.", running)
    yield GaugeMetricFamily("dispatcher_processes_wanted", "Processes that are meant to.", wanted)
    yield CounterMetricFamily("dispatcher_process_restarts", "Processes that had to be started again.", restarts)
    build = GaugeMetricFamily("dispatcher_build_info", "What runs; always 1.", labels=("version", "python"))
    build.add_metric((__version__, platform.python_version()), 1)
    yield build
