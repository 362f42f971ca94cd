"""New settings and new code without a moment in which nobody takes messages: one member after the other."""

import asyncio
import logging
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from pathlib import Path

from dispatcher.crew.lead import Lead
from dispatcher.crew.plan import Plan, program

PATIENCE = 60.0
"""Seconds within which a new member has to take messages."""

LOOK = 30.0
"""Seconds within which the settings have to be read."""

UNCHANGED = "not reloaded, all goes on as it was"

log = logging.getLogger(__name__)


class Reload:
    """Reloads, whenever it is asked to, but only once at a time.

    Args:
        lead: whose members they are.
        config: the configuration, where one was named.

    Attributes:
        runs: there is one now.
        failed: the last one was not, or not wholly.

    """

    def __init__(self, lead: Lead, config: Path | None) -> None:
        self.runs = False
        self.failed = False
        self._lead = lead
        self._config = config
        self._again = False

    def ask(self) -> None:
        """Ask for a reload; while there is one, for another one after it."""
        self._again = True
        if not self.runs and not self._lead.stopping:
            self.runs = True
            self._lead.begin(self._run())

    async def _run(self) -> None:
        try:
            while self._again and not self._lead.stopping:
                self._again = False
                plan = await self._look()
                self.failed = plan is None or not await self._reload(plan)
        finally:
            self.runs = False

    async def _look(self) -> Plan | None:
        """Read the settings as they are now, in a process of its own, as the code may be new too."""
        command = program("run", "--plan", config=self._config)
        try:
            asked = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
        except OSError as error:
            log.error("%s: no process can be started: %s", UNCHANGED, error.strerror)  # noqa: TRY400
            return None
        try:
            async with asyncio.timeout(LOOK):
                told, said = await asked.communicate()
        except TimeoutError:
            log.error("%s: the settings could not be read within %g s", UNCHANGED, LOOK)  # noqa: TRY400
            return None
        finally:
            with suppress(ProcessLookupError):
                asked.kill()
        with suppress(ValueError, TypeError):
            return Plan.read(told.decode())
        if self._lead.stopping:  # a service manager ends each process, this one too
            return None
        why = said.decode(errors="replace").strip().removeprefix("dispatcher: ")
        log.error("%s: %s", UNCHANGED, why)
        return None

    async def _reload(self, plan: Plan) -> bool:
        lead = self._lead
        log.info("reloading: the processes are replaced one by one")
        for number in range(1, plan.processes + 1):
            if not await self._replace(number, plan):
                return False
            if number == 1:
                await lead.adopt(plan)
        await lead.shrink()
        if not lead.stopping:
            log.info("reloaded")
        return True

    async def _replace(self, number: int, plan: Plan) -> bool:
        """Put a new member in a seat; tell whether it took messages before the old one was let go."""
        lead = self._lead
        if lead.stopping:
            return False
        try:
            new = await lead.recruit(number, plan.processes)
        except OSError as error:
            log.error("reloaded no further: process %d cannot be started: %s", number, error.strerror)  # noqa: TRY400
            return False
        up = False
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                up = await new.up()
        if up and not lead.stopping:
            await lead.swap(number, new)
            return True
        if new.running:
            new.stop()
            why = f"it took no messages within {PATIENCE:g} s"
        else:
            why = new.report.refused or "it ended by itself"
        await lead.until_gone(new)
        if not lead.stopping:
            log.error("reloaded no further, the other processes go on as they were: process %d: %s", number, why)
        return False
