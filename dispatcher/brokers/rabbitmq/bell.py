"""Waiting for news without missing any."""

import asyncio
from typing import Any


class Bell:
    """Rung whenever something changed that somebody may wait for.

    Who looks at what changed and then waits, with no other `await` in between, misses nothing.
    """

    def __init__(self) -> None:
        self._next: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def ring(self, *_: Any) -> None:
        """Wake everybody who waits."""
        rung, self._next = self._next, asyncio.get_running_loop().create_future()
        rung.set_result(None)

    async def heard(self, within: float | None = None) -> None:
        """Wait until it rings, or until so many seconds have passed."""
        await asyncio.wait({self._next}, timeout=within)  # which leaves the bell alone when the waiter is cancelled
