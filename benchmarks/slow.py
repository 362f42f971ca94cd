"""A mail server that takes its time: 20 and 100 ms from the final dot of each mail to its reply."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks import contenders
from benchmarks.race import Errand
from benchmarks.sink import SlowSink
from benchmarks.throughput import turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.plan import Plan
    from benchmarks.stage import Stage

DELAYS = (20, 100)
"""Milliseconds."""

WIDTHS = {contenders.OURS: 24, contenders.PLAIN: 1, "Dramatiq": 8, "taskiq-aio-pika": 10, "FastStream": 10}
"""Who takes part, and how many mails each is about to have on the way at once: so that all take about as long."""

MOST = 800
"""Mails a second that nobody is expected to exceed by much."""

WARM_UP = 20


def measure(stage: Stage, plan: Plan, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Let each take its turn with each delay, in one process."""
    records = []
    for delay in DELAYS:
        for name, width in WIDTHS.items():
            say(f"a server that takes {delay} ms: {name}")
            mails = int(plan.slow_seconds * min(MOST, 1000 / delay * width))
            errand = Errand(mails, server=partial(SlowSink, delay), warm_up=WARM_UP)
            records.append(turn(stage, contenders.named(name), 1, errand, delay=delay))
    return records
