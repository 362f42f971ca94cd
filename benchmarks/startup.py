"""How long it takes from the start until messages are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import contenders
from benchmarks.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.plan import Plan
    from benchmarks.stage import Stage


def measure(stage: Stage, plan: Plan, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Start each contender a few times, with one process."""
    records = []
    for number in range(plan.starts):
        for one in contenders.CONTENDERS:
            say(f"start {number + 1}: {one.name}")
            with Sink() as sink, stage.running(one, 1, sink.port) as running:
                memory = running.memory()
                records.append(
                    {
                        "contender": one.name,
                        "rate": 1 / running.started_in,
                        "seconds": running.started_in,
                        "together": memory.together,
                    }
                )
    return records
