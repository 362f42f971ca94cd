"""Who takes part."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import envelopes

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.envelopes import Envelope

ROOT = Path(__file__).resolve().parent.parent
MAIN = ROOT / "dispatcher" / "main.py"
OURS = "dispatcher"
PLAIN = "pika + smtplib"
PREFIX = "DISPATCHER_"


@dataclass(frozen=True)
class Place:
    """Where a contender works.

    Attributes:
        folder: the working folder, with the templates; logs go there.
        url: the broker.
        port: the mail server's.
        settings: further ones of ours, by the names of their variables without `DISPATCHER_`.

    """

    folder: Path
    url: str
    port: int
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Contender:
    """A program that does the work.

    Attributes:
        name: as the tables call it.
        queue: where it takes its messages.
        write: how its messages are written.
        commands: what has to be started, for so many processes.
        others: queues that it makes besides, which are deleted with the first.
        consumers: how many of the queue there are when all its processes are up, for each of them; 0 means one
            altogether.
        pace: how many times the backlog of the others it gets, so that its round is not over too soon.

    """

    name: str
    queue: str
    write: Callable[[dict[str, Any]], Envelope]
    commands: Callable[[int], list[list[str]]]
    others: tuple[str, ...] = ()
    consumers: int = 1
    pace: int = 1

    def expected_consumers(self, processes: int) -> int:
        """Give how many consumers the queue has when all processes are up."""
        return max(1, self.consumers * processes)


def environment(place: Place, processes: int) -> dict[str, str]:
    """Give the environment of every contender: ours reads its own variables, the others the rest."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    ours = {
        "BROKERS__RABBITMQ__URL": place.url,
        "NOTIFIERS__EMAIL__PORT": str(place.port),
        "SERVICE__JOURNAL__PATH": str(place.folder / "journal"),
        "SERVICE__HEALTH__PORT": "0",
        "SERVICE__PROCESSES": str(processes),
        **dict(place.settings),
    }
    return {
        **kept,
        **{f"{PREFIX}{name}": value for name, value in ours.items()},
        "BENCH_URL": place.url,
        "BENCH_PORT": str(place.port),
        "PYTHONPATH": str(ROOT),
    }


def _program(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _ours(_: int) -> list[list[str]]:
    return [[sys.executable, str(MAIN)]]


def _plain(processes: int) -> list[list[str]]:
    return [_program("benchmarks.apps.plain")] * processes


def _celery(processes: int) -> list[list[str]]:
    quick = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    return [_program("celery", "-A", "benchmarks.apps.celery_app", "worker", "-c", str(processes), *quick)]


def _dramatiq(processes: int) -> list[list[str]]:
    return [_program("dramatiq", "benchmarks.apps.dramatiq_app", "--processes", str(processes))]


def _taskiq(processes: int) -> list[list[str]]:
    options = ["--workers", str(processes), "--ack-type", "when_executed", "--log-level", "WARNING"]
    return [_program("taskiq", "worker", "benchmarks.apps.taskiq_app:broker", *options)]


def _faststream(processes: int) -> list[list[str]]:
    options = ["--workers", str(processes)] if processes > 1 else []
    return [_program("faststream", "run", "benchmarks.apps.faststream_app:app", *options)]


CONTENDERS = (
    Contender(OURS, "email", envelopes.plain, _ours, pace=4),
    Contender(PLAIN, "plain", envelopes.plain, _plain),
    Contender("Celery", "celery", envelopes.celery, _celery, consumers=0),
    Contender("Dramatiq", "dramatiq", envelopes.dramatiq, _dramatiq, others=("dramatiq.DQ", "dramatiq.XQ")),
    Contender("taskiq-aio-pika", "taskiq", envelopes.taskiq, _taskiq, others=("taskiq.dead",)),
    Contender("FastStream", "faststream", envelopes.plain, _faststream),
)
"""In the order in which they take their turns."""


def named(name: str) -> Contender:
    """Give a contender by its name."""
    return next(one for one in CONTENDERS if one.name == name)
