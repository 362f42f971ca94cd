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
from typing import TYPE_CHECKING, Any

from benchmarks import processes, work
from benchmarks.sink import Server, Sink
from benchmarks.stage import RoundError, Running, Stage
from helpers.processes import await_that

if TYPE_CHECKING:
    from collections.abc import Callable

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
        others_cpu: that of all other programs of the machine, ours that looks on included.
        together: MiB of all processes, shared pages once, at most.
        largest: MiB of the largest process, at most.
        started_in: seconds until it took messages.

    """

    mails: int
    seconds: float
    cpu: float
    broker_cpu: float
    sink_cpu: float
    others_cpu: float
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


@dataclass(frozen=True)
class Errand:
    """What is to be done.

    Attributes:
        mails: how many the backlog has.
        author: writes each, given its number.
        server: to which it is sent.
        warm_up: mails for each process before the clock starts.
        settings: further ones of ours, by the names of their variables without `DISPATCHER_`.

    """

    mails: int
    author: Callable[[int], dict[str, Any]] = work.mail
    server: Callable[[], Server] = Sink
    warm_up: int = WARM_UP
    settings: tuple[tuple[str, str], ...] = ()


def run(stage: Stage, contender: Contender, processes_: int, errand: Errand) -> Round:
    """Run one round.

    Raises:
        RoundError: it does not count.

    """
    first = errand.warm_up * processes_
    with errand.server() as server:
        with stage.running(contender, processes_, server.port, errand.settings) as running:
            warm_up(running, server, first, errand.author)
            result = measured(stage, running, server, errand)
        if (came := server.count()) != (wanted := errand.mails + first):
            raise RoundError(f"{contender.name}: {came} mails came instead of {wanted}.")
        return result


def fill(running: Running, mails: int, author: Callable[[int], dict[str, Any]]) -> None:
    """Publish mails for a contender, each to another recipient."""
    contender = running.contender
    running.queues.publish(contender.queue, (contender.write(author(next(numbers))) for _ in range(mails)))


def warm_up(running: Running, sink: Server, mails: int, author: Callable[[int], dict[str, Any]]) -> None:
    """Have everything imported, compiled and connected; wait until nothing moves any more."""
    wanted = sink.count() + mails
    fill(running, mails, author)
    if not await_that(lambda: sink.count() >= wanted, STALLED):
        raise RoundError(f"{running.contender.name} sends no mails:\n{running.said()}")
    quiet(running)


def quiet(running: Running) -> None:
    """Wait until a contender rests."""
    before = -1.0
    while running.cpu_seconds() - before > SETTLING / 10:
        before = running.cpu_seconds()
        time.sleep(SETTLING)


def measured(stage: Stage, running: Running, sink: Server, errand: Errand) -> Round:
    """Give the backlog, release, count."""
    with running.stopped():
        fill(running, errand.mails, errand.author)
        broker = stage.broker
        before = _cpu(running, broker, sink)
        target = sink.count() + errand.mails
    began = time.monotonic()
    together = _until(running, sink, target)
    seconds = time.monotonic() - began
    time.sleep(SETTLING)
    after = _cpu(running, broker, sink)
    memory = running.memory()
    if left := running.look().messages:
        raise RoundError(f"{running.contender.name}: {left} messages are still in the queue.")
    cpu, broker_cpu, sink_cpu, everything = (late - early for late, early in zip(after, before, strict=True))
    return Round(
        mails=errand.mails,
        seconds=seconds,
        cpu=cpu,
        broker_cpu=broker_cpu,
        sink_cpu=sink_cpu,
        others_cpu=max(0.0, everything - cpu - broker_cpu - sink_cpu),
        together=max(together, memory.together),
        largest=memory.largest,
        started_in=running.started_in,
    )


def _cpu(running: Running, broker: list[int], sink: Server) -> list[float]:
    """Read the CPU time of the contender, the broker, the server and the whole machine."""
    servers = (processes.cpu_seconds(broker), processes.cpu_seconds([sink.pid]))
    return [running.cpu_seconds(), *servers, processes.machine_seconds()]


def _until(running: Running, sink: Server, target: int) -> float:
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
