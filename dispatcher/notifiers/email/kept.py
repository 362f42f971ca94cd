"""The connections that nobody uses at the moment: the last one is given out first, the others have a chance to age."""

import asyncio
from collections.abc import Callable
from time import monotonic

from dispatcher.notifiers.email.connection import Connection


class Kept:
    """Connections until somebody needs them, or they were idle for too long.

    Args:
        idle: seconds until then.
        part: takes leave of one.

    """

    def __init__(self, idle: float, part: Callable[[Connection], None]) -> None:
        self._idle = idle
        self._part = part
        self._waiting: list[tuple[Connection, float]] = []  # with the time since when, oldest first
        self._sweeper: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> Connection | None:
        """Give one that is in good order, as far as anybody knows."""
        while self._waiting:
            connection, _ = self._waiting.pop()
            if connection.usable:
                connection.kept = True
                return connection
            connection.abort()
        return None

    def give(self, connection: Connection) -> None:
        """Keep one: it is the next that is given out."""
        self._waiting.append((connection, monotonic()))
        self._watch()

    def give_last(self, connection: Connection) -> None:
        """Keep one that is given out after all others."""
        self._waiting.insert(0, (connection, self._waiting[0][1] if self._waiting else monotonic()))
        self._watch()

    def close(self) -> None:
        """Part from all."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        while self._waiting:
            self._part(self._waiting.pop()[0])

    def _watch(self) -> None:
        if self._sweeper is None:
            self._sweep()

    def _sweep(self) -> None:
        """Part from those that were idle for too long, and come back when the next one may have been."""
        self._sweeper = None
        now = monotonic()
        while self._waiting and self._waiting[0][1] + self._idle <= now:
            self._part(self._waiting.pop(0)[0])
        if self._waiting:
            wait = self._waiting[0][1] + self._idle - now
            self._sweeper = asyncio.get_running_loop().call_later(wait, self._sweep)
