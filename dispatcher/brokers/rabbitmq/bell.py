"""Waiting for news without missing any."""

import asyncio
from typing import Any


class Bell:
    """Rung whenever something changed that somebody may wait for.

    Who looks at what changed and then waits, with no other `await` in between, misses nothing.
    """

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def ring(self, *_: Any) -> None:
        """Wake everybody who waits."""
        if self._waiting:
            woken, self._waiting = self._waiting, []
            for waiter in woken:
                if not waiter.done():
                    waiter.set_result(None)

    async def heard(self) -> None:
        """Wait until it rings."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
