"""From publishing to the mail server's 250, at half of what ours can do; and one bare round of the same steps."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks import contenders, race, work
from benchmarks.figures import percentile
from benchmarks.queues import Queues
from benchmarks.race import Errand
from benchmarks.sink import SlowSink
from benchmarks.stage import RoundError
from helpers.processes import await_that

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.plan import Plan
    from benchmarks.stage import Running, Stage

ROUNDS = 300
"""Bare rounds, one after the other."""

QUEUE = "floor"
PATIENCE = 60
ENDING = 10.0


def measure(stage: Stage, plan: Plan, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Find the top rate with one process, publish at half of it, and look when each was answered."""
    ours = contenders.named(contenders.OURS)
    say("latency: the top rate")
    top = race.run(stage, ours, 1, Errand(plan.mails * ours.pace, server=partial(SlowSink, 0))).rate
    say(f"latency: {top / 2:.0f} mails a second")
    waits = sorted(at_rate(stage, top / 2, plan.latency_seconds))
    say("latency: bare rounds")
    bare = _bare(stage)
    return [
        {
            "rate": top / 2,
            "top": top,
            "mails": len(waits),
            **{f"p{share}": percentile(waits, share / 100) for share in (50, 90, 99)},
            "worst": waits[-1],
            "bare": percentile(bare, 0.5),
            "bare_p99": percentile(bare, 0.99),
        }
    ]


def at_rate(stage: Stage, rate: float, seconds: float) -> list[float]:
    """Publish at a steady rate; give the milliseconds from publishing to the 250 of each mail."""
    file = stage.folder / "answered.txt"
    file.unlink(missing_ok=True)
    ours = contenders.named(contenders.OURS)
    with SlowSink(0, file) as server, stage.running(ours, 1, server.port) as running:
        race.warm_up(running, server, race.WARM_UP, work.mail)
        published = _publish(running, rate, seconds)
        wanted = race.WARM_UP + len(published)
        if not await_that(lambda: server.count() >= wanted, ENDING):
            raise RoundError(f"{wanted - server.count()} mails never came.")
    answered = _answered(file)
    return [1000 * (answered[number] - at) for number, at in published.items()]


def _publish(running: Running, rate: float, seconds: float) -> dict[int, float]:
    """Publish one after the other, each at its time; give when each was."""
    envelopes = {
        number: contenders.named(contenders.OURS).write(work.mail(number))
        for number in (next(race.numbers) for _ in range(int(rate * seconds)))
    }
    published, began = {}, time.monotonic()
    for at, (number, envelope) in enumerate(envelopes.items()):
        if (early := began + at / rate - time.monotonic()) > 0:
            time.sleep(early)
        published[number] = time.monotonic()
        running.queues.send(running.contender.queue, envelope)
    return published


def _answered(file: Path) -> dict[int, float]:
    lines = (line.split() for line in file.read_text().splitlines())
    return {int(number): float(at) for number, at in lines}


def _bare(stage: Stage) -> list[float]:
    """Give the milliseconds of each bare round."""
    with SlowSink(0) as server, Queues(stage.url) as queues:
        queues.delete(QUEUE)
        queues.declare(QUEUE)
        command = [sys.executable, "-m", "benchmarks.bare", stage.url, QUEUE, str(stage.folder), str(server.port)]
        done = subprocess.run(
            [*command, str(ROUNDS)],
            cwd=contenders.ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        queues.delete(QUEUE)
    if done.returncode:
        raise RoundError(f"The bare rounds failed:\n{done.stderr[-2000:]}")
    waits: list[float] = json.loads(done.stdout)
    return waits
