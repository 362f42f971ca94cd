"""Memory of ours: with very many messages that wait, over very many mails, and with large ones."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from benchmarks import contenders, race, work
from benchmarks.race import Errand
from benchmarks.sink import Sink
from benchmarks.stage import RoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.plan import Plan
    from benchmarks.stage import Running, Stage

STEPS = 10
PAUSE = 0.05


def measure(stage: Stage, plan: Plan, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Look at the memory of one process."""
    say(f"memory: {plan.waiting} messages wait")
    waiting = _waiting(stage, plan.waiting, plan.drained)
    say(f"memory: {plan.large} messages of 5 MB")
    result = race.run(stage, contenders.named(contenders.OURS), 1, Errand(plan.large, work.large, warm_up=20))
    large = {"what": "large", "mails": plan.large, "largest": result.largest, "rate": result.rate}
    return [waiting, large]


def _waiting(stage: Stage, waiting: int, drained: int) -> dict[str, Any]:
    """Let so many wait; send some of them, and look at the memory with each tenth."""
    ours = contenders.named(contenders.OURS)
    backlog = (ours.write(work.mail(next(race.numbers))) for _ in range(waiting))
    with Sink() as sink, stage.running(ours, 1, sink.port, backlog=backlog) as running:
        steps = [_at(running, sink, drained * step // STEPS) for step in range(1, STEPS + 1)]
        largest = running.memory().largest
        left = running.look().messages
    return {"what": "waiting", "waiting": waiting, "drained": drained, "left": left, "steps": steps, "largest": largest}


def _at(running: Running, sink: Sink, count: int) -> float:
    """Give the MiB of ours once so many mails were sent."""
    deadline = time.monotonic() + race.STALLED + count / 50
    while sink.count() < count:
        if time.monotonic() > deadline:
            raise RoundError(f"Only {sink.count()} of {count} mails came:\n{running.said()}")
        time.sleep(PAUSE)
    return running.memory().together
