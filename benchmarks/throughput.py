"""Mails a second and CPU time for each mail: each contender, and the floor."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks import contenders, envelopes, floor, race, work
from benchmarks.queues import Queues
from benchmarks.race import Errand
from benchmarks.sink import Sink
from benchmarks.stage import RoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.contenders import Contender
    from benchmarks.plan import Plan
    from benchmarks.stage import Stage

Record = dict[str, Any]

FLOOR = ("amqp", "render", "smtp")
QUEUE = "floor"
TRIES = 2
PATIENCE = 120


def measure(stage: Stage, plan: Plan, say: Callable[[str], None]) -> list[Record]:
    """Let each contender take its turn, with so many processes, round after round."""
    records: list[Record] = []
    kinds = [(work.BOTH, number) for number in range(plan.rounds)]
    kinds += [(work.PAGE, number) for number in range(plan.html_rounds)]
    for template, number in kinds:
        # The other order every second time, so that nobody always follows the same one.
        for one in contenders.CONTENDERS[:: 1 if number % 2 == 0 else -1]:
            for processes in plan.processes if template == work.BOTH else plan.processes[:1]:
                say(f"round {number + 1}, {template}: {one.name}, {processes} process(es)")
                errand = Errand(plan.mails * one.pace, work.mail if template == work.BOTH else work.page)
                records.append(turn(stage, one, processes, errand, template=template))
        if template == work.BOTH:
            say(f"round {number + 1}: the floor")
            records.extend(lowest(stage, plan.mails * 4))
    return records


def turn(stage: Stage, one: Contender, processes: int, errand: Errand, **told: object) -> Record:
    """Run one round; once more where it did not count. Give what came of it, and what it is told about it."""
    named = {"contender": one.name, "processes": processes, **told}
    void: list[str] = []
    for _ in range(TRIES):
        try:
            result = race.run(stage, one, processes, errand)
        except RoundError as error:
            void.append(str(error))
        else:
            return {**named, "void": void, **asdict(result), "rate": result.rate, "cpu_per_mail": result.cpu_per_mail}
    return {**named, "void": void}


def lowest(stage: Stage, mails: int) -> list[Record]:
    """Measure the three parts of the floor."""
    with Queues(stage.url) as queues, Sink() as sink:
        queues.delete(QUEUE)
        queues.declare(QUEUE)
        queues.publish(QUEUE, (envelopes.plain(work.mail(number)) for number in range(mails + floor.FIRST)))
        given = {"amqp": (stage.url, QUEUE), "render": (str(stage.folder),), "smtp": (str(sink.port),)}
        records = [_part(part, *given[part], str(mails)) for part in FLOOR]
        queues.delete(QUEUE)
    return records


def _part(part: str, *arguments: str) -> Record:
    command = [sys.executable, "-m", "benchmarks.floor", part, *arguments]
    done = subprocess.run(command, cwd=contenders.ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        raise RoundError(f"The floor of {part} failed:\n{done.stderr[-2000:]}")
    cpu, seconds = json.loads(done.stdout)
    mails = int(arguments[-1])
    return {"floor": part, "cpu_per_mail": 1000 * cpu / mails, "rate": mails / seconds}
