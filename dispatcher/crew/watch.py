"""The watch: once a second it looks after members that say nothing, and has the service manager told how all are."""

import asyncio

from dispatcher.crew.lead import Lead
from dispatcher.crew.reload import Reload
from dispatcher.manager import ServiceManager

EVERY = 1.0
"""Seconds between two looks."""

PATIENCE = 5
"""So many looks after all members have said something, the daemon serves: what it still waits for is not itself."""

HEARD_AGAIN = 15.0
"""Seconds within which the service manager is told again that a drain goes on."""


class Watch:
    """Watches over one lead, for as long as `run` runs.

    Args:
        lead: whose members they are.
        reload: what replaces them.
        manager: who is told.

    """

    def __init__(self, lead: Lead, reload: Reload, manager: ServiceManager) -> None:
        self._lead = lead
        self._reload = reload
        self._manager = manager
        self._reloading = False
        self._waited = 0

    async def run(self) -> None:
        """Look, again and again."""
        while True:
            for member in self._lead.alive:
                member.look()
            self.tell()
            await asyncio.sleep(EVERY)

    def stop(self) -> None:
        """Have the lead stop, and say so at once."""
        self._lead.stop()
        self.tell()

    def reload(self) -> None:
        """Have it reload, and say so at once."""
        self._reloading = True
        self._reload.ask()
        self._manager.say_reloading()
        self.tell()

    def tell(self) -> None:
        """Tell the service manager what is new."""
        if self._lead.stopping:
            self._manager.say_stopping(HEARD_AGAIN)
        elif self._serves():
            self._manager.say_ready()
        if self._reloading and not self._reload.runs:
            self._reloading = False
            self._manager.say_reloaded()
        self._manager.say_status(self._sentence())

    def _serves(self) -> bool:
        """Tell whether the settings, and a broker that answers, have let all members in.

        One that refuses them does so within a moment, and ends the daemon before it was ready. One that is away is
        waited for, as long as it takes: to start the daemon again would not bring it back.
        """
        self._waited += self._lead.health.processes == (self._lead.plan.processes,) * 2
        return self._lead.ready or self._waited > PATIENCE

    def _sentence(self) -> str:
        said = str(self._lead.health)
        if self._reload.runs:
            return f"reloading; {said}"
        return f"{said}; not reloaded the last time, see the log" if self._reload.failed else said
