"""The lead: it starts the members, keeps them running, and ends them. It takes no message and knows no broker.

start    every member, side by side; "ready" is said when all of them take messages
keep     who dies is started again, after growing waits; who refuses to start ends the whole daemon
reload   at SIGHUP, one by one: a new one is started, and when it takes messages the old one drains
drain    at SIGTERM or Ctrl-C all of them; a second one skips the waiting
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from dispatcher.backoff import LONGEST, backoff
from dispatcher.crew.plan import Plan
from dispatcher.crew.process import REFUSED, MemberProcess, how_it_ended
from dispatcher.health import HealthPage
from dispatcher.words import figures, health
from dispatcher.words.figures import Figures, QueueFigures
from dispatcher.words.health import Health
from dispatcher.words.values import format_duration

FINE, UNFINISHED = 0, 3
"""Exit codes, as of a daemon in one process."""

STEADY = 30.0
"""Seconds after which a death has nothing to do with those before it."""

GRACE = 15.0
"""Seconds that a member may take to close everything, besides its drain."""

log = logging.getLogger(__name__)


class Lead:
    """The lead.

    Args:
        plan: how many members, and where the page is.
        config: the configuration, where one was named.

    Attributes:
        alive: members that have not ended, those that drain included.
        ready: all of them took messages, once.
        refused: why a member could not start, where that ended the daemon; empty where it said so itself.

    """

    def __init__(self, plan: Plan, config: Path | None) -> None:
        self.plan = plan
        self.alive: set[MemberProcess] = set()
        self.ready = False
        self.refused: str | None = None
        self._config = config
        self._seats: dict[int, MemberProcess | None] = {}
        self._gone: dict[str, QueueFigures] = {}
        self._keeping: set[asyncio.Task[None]] = set()
        self._waits: dict[int, Iterator[float]] = {}
        self._restarts = 0
        self._unfinished = False
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self.page = self._make_page()

    def stop(self) -> None:
        """Ask all members to drain; asked again, not to wait for what is in hand."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    @property
    def health(self) -> Health:
        """How all of them are doing."""
        running = [one for one in self._seats.values() if one and one.running and not one.silent]
        told = [one.report.health for one in running if one.report.health.queues]
        return health.together(told, self.plan.processes, stopping=self.stopping)

    @property
    def figures(self) -> Figures:
        """What all of them did, those included that are gone."""
        return figures.together([self._gone, *(one.report.figures for one in self.alive)])

    async def run(self) -> int:
        """Lead until `stop` is called, or a member refuses to start; give the exit code."""
        self._seats = dict.fromkeys(range(1, self.plan.processes + 1))
        for number in self._seats:
            self.begin(self._keep(number, None))
        await self.page.start()
        try:
            await self._stop.wait()
            await self._drain()
        finally:
            self._each(MemberProcess.kill)
            await self.page.close()
        if self.refused is not None:
            return REFUSED
        return UNFINISHED if self._unfinished else FINE

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something besides, before whose end the lead does not end."""
        task = asyncio.create_task(work)
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def recruit(self, number: int, of: int) -> MemberProcess:
        """Start a member, which has no seat yet.

        Raises:
            OSError: it cannot be started.

        """
        process = await MemberProcess.start(number, of, self._config, self._heard)
        self.alive.add(process)
        if self.stopping:
            process.stop()
        return process

    async def swap(self, number: int, new: MemberProcess | None) -> None:
        """Give a seat to another member, or to nobody; who had it drains."""
        old = self._seats.pop(number, None)
        if new is not None:
            self._seats[number] = new
            self.begin(self._keep(number, new))
        if old is not None and old.running:
            old.stop()
            await old.ended()

    async def adopt(self, plan: Plan) -> None:
        """Go by another plan from now on; the page moves where it is meant to."""
        old, self.plan = self.plan, plan
        if (old.host, old.port) != (plan.host, plan.port):
            await self.page.close()
            self.page = self._make_page()
            await self.page.start()

    async def shrink(self) -> None:
        """Let those go for whom there is no seat in the plan."""
        await asyncio.gather(*(self.swap(seat, None) for seat in tuple(self._seats) if seat > self.plan.processes))

    async def until_gone(self, process: MemberProcess) -> int:
        """Wait for the end of a member, and keep what it counted; give its exit code."""
        code = await process.ended()
        if process in self.alive:
            self.alive.discard(process)
            for one in process.report.figures.values():
                one.in_hand = 0
            self._gone = figures.together([self._gone, process.report.figures])
            if process.asked and process.report.up and code != FINE:
                self._unfinished = self._unfinished or self.stopping
                log.warning("process %d gave back what it could not finish", process.number)
        return code

    async def _keep(self, number: int, process: MemberProcess | None) -> None:
        """See that a seat is taken, until somebody else sees to it."""
        while process is None or await self._dies(process):
            if self.stopping or self._seats.get(number, self) is not process:
                return
            before, process = process, await self._start(number)
            if self._seats.get(number, self) is before:
                self._seats[number] = process
            elif process is not None:  # the seat was given to another meanwhile
                process.stop()

    async def _dies(self, process: MemberProcess) -> bool:
        """Wait until a member has died, and for as long as is decent; an end that was asked for is no death."""
        code = await self.until_gone(process)
        if process.asked:
            return False
        if process.refuses(code):
            self.refused = self.refused or process.report.refused or ""
            self._stop.set()
            return False
        if process.lived > STEADY:
            self._waits.pop(process.number, None)
        wait = next(self._waits.setdefault(process.number, backoff()))
        if not self.stopping:
            self._restarts += 1
            said = format_duration(timedelta(milliseconds=round(wait * 1000)))
            log.error("process %d %s; it is started again in %s", process.number, how_it_ended(code), said)
            await self._pause(wait)
        return True

    async def _start(self, number: int) -> MemberProcess | None:
        try:
            return await self.recruit(number, self.plan.processes)
        except OSError as error:
            log.error("process %d cannot be started: %s; it is tried again", number, error.strerror)  # noqa: TRY400
            await self._pause(LONGEST)
            return None

    async def _drain(self) -> None:
        """Have all members finish what is in hand; kill who takes far too long."""
        self._each(MemberProcess.stop)
        hurry = asyncio.create_task(self._hurry.wait())
        if not await self._until_done(self.plan.drain_timeout + GRACE, hurry) and hurry.done():
            self._each(MemberProcess.hurry)
            await self._until_done(GRACE)
        for one in self.alive:
            self._unfinished = True
            log.error("process %d does not end; it is killed", one.number)
        self._each(MemberProcess.kill)
        await self._until_done(GRACE)
        hurry.cancel()

    def _each(self, act: Callable[[MemberProcess], None]) -> None:
        """Do something with each member; what goes wrong with one of them keeps nothing from the others."""
        for one in self.alive:
            try:
                act(one)
            except Exception:
                log.exception("process %d could not be told, which must not happen", one.number)

    async def _until_done(self, within: float, *unless: asyncio.Task[Any]) -> bool:
        """Wait until no member is left and nothing is being done; tell whether that came about."""
        deadline = monotonic() + within
        while self._keeping and not any(task.done() for task in unless) and monotonic() < deadline:
            await asyncio.wait(
                {*self._keeping, *unless}, timeout=deadline - monotonic(), return_when=asyncio.FIRST_COMPLETED
            )
        return not self._keeping

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    def _heard(self) -> None:
        if not self.ready and all(one and one.report.up for one in self._seats.values()):
            self.ready = True
            log.info("ready")

    def _make_page(self) -> HealthPage:
        return HealthPage(self.plan, lambda: self.health, self._measure)

    def _measure(self) -> bytes:
        # At the first question: most daemons are never asked, and the library takes its memory.
        from dispatcher.metrics import exposition  # noqa: PLC0415

        return exposition(self.health, self.figures, self._restarts)
