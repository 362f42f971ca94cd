"""Waiting for answers, each of which has so long to come.

It takes no timer, as a rule: that of the answer before looks at the last deadline, and sets itself again.
"""

import asyncio
from collections.abc import Callable

_TICK = 0.002  # a timer may be early by less than that, in seconds


class Waiting:
    """What one owner of a connection does at a time.

    Args:
        late: called when nothing has come for too long.

    """

    def __init__(self, late: Callable[[], None]) -> None:
        self._late = late
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._patience = self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0  # when it looks at the deadline

    async def wait(self, patience: float) -> None:
        """Wait until somebody wakes us; so many seconds may pass with nothing coming."""
        self._patience = patience
        self._deadline = self._loop.time() + patience
        if self._timer is None or self._deadline < self._due:
            self._set_timer()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def hesitate(self, seconds: float) -> None:
        """Wait for so long, unless somebody wakes us before; nothing is late then."""
        moment = self._loop.call_later(seconds, self.wake)
        try:
            await self.wait(2 * seconds)
        finally:
            moment.cancel()

    def go_on(self) -> None:
        """Give what comes next the same time again."""
        self._deadline = self._loop.time() + self._patience

    def wake(self) -> None:
        """Let who waits go on."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def end(self) -> None:
        """Let who waits go on, and wait for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.wake()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = self._deadline
        self._timer = self._loop.call_at(self._due, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self._deadline - self._loop.time() > _TICK:
            self._set_timer()
        else:
            self._late()
