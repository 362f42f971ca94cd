"""Where everything happens: a RabbitMQ of our own, a folder with the templates, contenders as processes."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Self

from benchmarks import contenders, processes, work
from benchmarks.contenders import Contender, Place
from benchmarks.queues import Queues, Seen
from helpers.node import Node
from helpers.processes import await_that

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from benchmarks.envelopes import Envelope

STARTING = 60.0
ENDING = 20.0


class RoundError(Exception):
    """A round that does not count: a contender did not start, stopped half-way, lost mails or sent some twice."""


class Stage:
    """The broker and the folder, for as long as `with` lasts.

    Attributes:
        folder: where contenders work.
        url: the broker's address.
        broker: the broker's process.

    """

    def __init__(self, folder: Path) -> None:
        """Prepare it; the folder is emptied."""
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        work.write_templates(folder)
        self._node = Node(folder / "node", management=False)

    @property
    def url(self) -> str:
        """The broker's address."""
        return self._node.url

    @property
    def broker(self) -> list[int]:
        """The broker's processes."""
        noted = json.loads((self._node.folder / "node.json").read_text())
        return processes.family([noted["processes"]["broker"][0]])

    def version(self) -> str:
        """Give RabbitMQ's version."""
        return self._node.ctl("version").strip()

    def __enter__(self) -> Self:
        self._node.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._node.remove()

    @contextlib.contextmanager
    def running(
        self,
        contender: Contender,
        count: int,
        port: int,
        settings: tuple[tuple[str, str], ...] = (),
        backlog: Iterable[Envelope] | None = None,
    ) -> Iterator[Running]:
        """Start a contender with so many processes; wait until all of them take messages; end it.

        Args:
            contender: who.
            count: how many processes.
            port: the mail server's.
            settings: further ones of ours, by the names of their variables without `DISPATCHER_`.
            backlog: what waits for ours before it is started.

        Raises:
            RoundError: it did not start.

        """
        shutil.rmtree(self.folder / "journal", ignore_errors=True)
        place = Place(self.folder, self.url, port, settings)
        with Queues(self.url) as queues:
            for queue in (contender.queue, *contender.others):
                queues.delete(queue)
            if backlog is not None:
                queues.declare(contender.queue)
                queues.publish(contender.queue, backlog)
            one = Running(contender, count, place, queues)
            try:
                one.start()
                yield one
            finally:
                one.end()


class Running:
    """A contender that runs.

    Attributes:
        queues: the connection that publishes and looks.
        started_in: seconds from its start until all its processes took messages.

    """

    def __init__(self, contender: Contender, count: int, place: Place, queues: Queues) -> None:
        """Prepare it."""
        self.contender = contender
        self.queues = queues
        self.started_in = 0.0
        self._count = count
        self._place = place
        self._roots: list[subprocess.Popen[bytes]] = []

    @property
    def log(self) -> Path:
        """What it wrote."""
        return self._place.folder / f"{self.contender.queue}.log"

    def start(self) -> None:
        """Start it, and wait until all its processes take messages."""
        environment = contenders.environment(self._place, self._count)
        began = time.monotonic()
        with self.log.open("wb") as log:
            for command in self.contender.commands(self._count):
                self._roots.append(
                    subprocess.Popen(
                        command, cwd=self._place.folder, env=environment, stdout=log, stderr=log, start_new_session=True
                    )
                )
        wanted = self.contender.expected_consumers(self._count)
        if not await_that(lambda: self._dead() or self.look().consumers >= wanted, STARTING) or self._dead():
            raise RoundError(f"{self.contender.name} did not start:\n{self.said()}")
        self.started_in = time.monotonic() - began

    def _dead(self) -> bool:
        return any(one.poll() is not None for one in self._roots)

    def said(self) -> str:
        """Give the end of what it wrote."""
        return self.log.read_text(errors="replace")[-2000:]

    def look(self) -> Seen:
        """Look at its queue."""
        return self.queues.look(self.contender.queue)

    def pids(self) -> list[int]:
        """Give all its processes."""
        return processes.family(one.pid for one in self._roots)

    def cpu_seconds(self) -> float:
        """Give the CPU time that all its processes ever took, those included that ended."""
        return processes.cpu_seconds(self.pids())

    def memory(self) -> processes.Memory:
        """Look at its memory now."""
        return processes.memory(self.pids())

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop its processes for as long as the block lasts, like a breath that is held."""
        pids = self.pids()
        processes.send_all(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            processes.send_all(pids, signal.SIGCONT)

    def end(self) -> None:
        """Ask it to end; make it end."""
        pids = self.pids()
        for root in self._roots:
            root.terminate()
        for root in self._roots:
            with contextlib.suppress(subprocess.TimeoutExpired):
                root.wait(ENDING)
        processes.send_all(set(processes.family(pids)) & set(pids), signal.SIGKILL)
        for root in self._roots:
            root.wait()
        self._roots.clear()
