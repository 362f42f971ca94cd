"""The notes while the disk is away: two databases in memory, of which the older is dropped as a whole."""

import contextlib
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from dispatcher.journal import notes
from dispatcher.journal.database import connect
from dispatcher.journal.sent import span

T = TypeVar("T")

PAGES = 8192
"""How large each of the two may grow, in pages of 4 KiB: some 700,000 notes."""

CLEARED = 100_000
"""How many messages to clear on disk are remembered."""


class Memory:
    """What could not be written to disk.

    Args:
        keep: how long notes are to be found, at least, as long as there is room.

    """

    def __init__(self, keep: timedelta) -> None:
        self._span = span(keep)
        self._number: int | None = None
        self._databases: list[sqlite3.Connection] = []
        self.cleared: dict[bytes, int] = {}

    def __bool__(self) -> bool:
        return bool(self._databases or self.cleared)

    def write(self, note: Callable[[sqlite3.Connection], None], now: float) -> None:
        """Note something, at a time in seconds since 1970."""
        number = int(now // self._span)
        if self._number is None or number > self._number:  # a clock that steps back turns nothing over
            self._number = number
            self._turn_over()
        try:
            note(self._present())
        except sqlite3.OperationalError:  # full
            self._turn_over()
            with contextlib.suppress(sqlite3.Error):  # more in one note than there is room for
                note(self._present())

    def ask(self, question: Callable[[sqlite3.Connection], T]) -> list[T]:
        """Ask both."""
        return [question(database) for database in self._databases]

    def clear(self, key: bytes, until: int, *, remember: bool) -> None:
        """Forget the hand-overs of a message up to a moment; remember it where the disk has to do so yet."""
        for database in self._databases:
            with contextlib.suppress(sqlite3.Error):
                notes.clear(database, key, until)
        if remember:
            self.cleared[key] = until
            if len(self.cleared) > CLEARED:
                del self.cleared[next(iter(self.cleared))]

    def move(self, write: Callable[[Callable[[sqlite3.Connection], None]], None], count: int) -> None:
        """Write so many notes elsewhere, and forget them here.

        Raises:
            TROUBLES: whatever `write` raises; then nothing is forgotten.

        """
        if not self._databases:
            return
        database = self._databases[-1]
        sent, settled = notes.some(database, count)
        if sent or settled:
            write(lambda connection: notes.merge(connection, sent, settled))
            notes.drop(database, sent, settled)
        else:
            self._databases.pop().close()

    def _present(self) -> sqlite3.Connection:
        if not self._databases:
            self._databases.append(self._new())
        return self._databases[-1]

    def _turn_over(self) -> None:
        self._databases.append(self._new())
        for database in self._databases[:-2]:
            database.close()
        del self._databases[:-2]

    def _new(self) -> sqlite3.Connection:
        database = connect(":memory:", notes.SCHEMA)
        database.execute(f"PRAGMA max_page_count = {PAGES}")
        return database
