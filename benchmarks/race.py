"""One contender, one round: started, warmed up, stopped, given the backlog, released, counted.

Starting is no part of it. The contender starts with an empty queue and gets a few mails, so that everything is
imported, compiled and connected. Then its processes are stopped (SIGSTOP), the backlog is published, and they are let
go again (SIGCONT): that is when the clock starts. It ends with the last mail that the server counted. CPU time is read
a moment later, so that acknowledgements and journals count.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from benchmarks import processes, work
from benchmarks.sink import Sink
from benchmarks.stage import RoundError, Running, Stage
from helpers.processes import await_that

if TYPE_CHECKING:
    from benchmarks.contenders import Contender

WARM_UP = 150
"""Mails for each process before the clock starts."""

PAUSE = 0.02
SETTLING = 0.4
STALLED = 30.0
MEMORY_EVERY = 0.5

numbers = count()


@dataclass(frozen=True)
class Round:
    """What came of a round.

    Attributes:
        mails: how many the backlog had.
        seconds: from its release to the last mail.
        cpu: seconds of CPU time of the contender's processes.
        broker_cpu: the broker's, in the meantime.
        sink_cpu: the mail server's.
        together: MiB of all processes, shared pages once, at most.
        largest: MiB of the largest process, at most.
        started_in: seconds until it took messages.

    """

    mails: int
    seconds: float
    cpu: float
    broker_cpu: float
    sink_cpu: float
    together: float
    largest: float
    started_in: float

    @property
    def rate(self) -> float:
        """Mails a second."""
        return self.mails / self.seconds

    @property
    def cpu_per_mail(self) -> float:
        """Milliseconds of CPU time for each mail."""
        return 1000 * self.cpu / self.mails


def run(stage: Stage, contender: Contender, processes_: int, mails: int, template: str = work.BOTH) -> Round:
    """Run one round.

    Raises:
        RoundError: it does not count.

    """
    with Sink() as sink:
        with stage.running(contender, processes_, sink.port) as running:
            warm_up(running, sink, WARM_UP * processes_, template)
            result = measured(stage, running, sink, mails, template)
        if (came := sink.count()) != (wanted := mails + WARM_UP * processes_):
            raise RoundError(f"{contender.name}: {came} mails came instead of {wanted}.")
        return result


def fill(running: Running, mails: int, template: str) -> None:
    """Publish mails for a contender, each to another recipient."""
    contender = running.contender
    running.queues.publish(contender.queue, (contender.write(work.mail(next(numbers), template)) for _ in range(mails)))


def warm_up(running: Running, sink: Sink, mails: int, template: str) -> None:
    """Have everything imported, compiled and connected; wait until nothing moves any more."""
    wanted = sink.count() + mails
    fill(running, mails, template)
    if not await_that(lambda: sink.count() >= wanted, STALLED):
        raise RoundError(f"{running.contender.name} sends no mails:\n{running.said()}")
    quiet(running)


def quiet(running: Running) -> None:
    """Wait until a contender rests."""
    before = -1.0
    while running.cpu_seconds() - before > SETTLING / 10:
        before = running.cpu_seconds()
        time.sleep(SETTLING)


def measured(stage: Stage, running: Running, sink: Sink, mails: int, template: str) -> Round:
    """Give the backlog, release, count."""
    with running.stopped():
        fill(running, mails, template)
        broker = stage.broker
        before = [running.cpu_seconds(), processes.cpu_seconds(broker), processes.cpu_seconds([sink.pid])]
        target = sink.count() + mails
    began = time.monotonic()
    together = _until(running, sink, target)
    seconds = time.monotonic() - began
    time.sleep(SETTLING)
    after = [running.cpu_seconds(), processes.cpu_seconds(broker), processes.cpu_seconds([sink.pid])]
    memory = running.memory()
    if left := running.look().messages:
        raise RoundError(f"{running.contender.name}: {left} messages are still in the queue.")
    cpu, broker_cpu, sink_cpu = (late - early for late, early in zip(after, before, strict=True))
    return Round(
        mails=mails,
        seconds=seconds,
        cpu=cpu,
        broker_cpu=broker_cpu,
        sink_cpu=sink_cpu,
        together=max(together, memory.together),
        largest=memory.largest,
        started_in=running.started_in,
    )


def _until(running: Running, sink: Sink, target: int) -> float:
    """Wait until so many mails came; give the most memory that was seen on the way, in MiB."""
    together, looked, counted, moved = 0.0, time.monotonic(), sink.count(), time.monotonic()
    while counted < target:
        time.sleep(PAUSE)
        now, before, counted = time.monotonic(), counted, sink.count()
        if counted > before:
            moved = now
        elif now - moved > STALLED:
            raise RoundError(f"{running.contender.name} stopped at {target - counted} from the end:\n{running.said()}")
        if now - looked > MEMORY_EVERY:
            together, looked = max(together, running.memory().together), now
    return together
