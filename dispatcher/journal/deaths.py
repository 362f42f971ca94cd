"""How often a process of this host died while it worked on a message."""

import sqlite3
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from dispatcher.journal.database import Database

NAME = "died.db"
KEEP = timedelta(days=7)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS deaths (
    key BLOB NOT NULL PRIMARY KEY, deaths INTEGER NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counted (name TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID
"""
_COUNT = """
INSERT INTO deaths VALUES (?, 1, ?)
ON CONFLICT (key) DO UPDATE SET deaths = deaths + 1, at = excluded.at
"""


class Deaths:
    """The deaths that were counted.

    Args:
        folder: where the file is. It is made with the first death.

    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._database = Database(self._path, _SCHEMA)

    def count(self, name: str, keys: Collection[bytes], now: float) -> None:
        """Count a death for each of these, once for each name, however many processes find it at the same time.

        Raises:
            TROUBLES: the disk does not bear it.

        """

        def note(connection: sqlite3.Connection) -> None:
            at = int(now)
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                if connection.execute("INSERT OR IGNORE INTO counted VALUES (?, ?)", (name, at)).rowcount:
                    connection.executemany(_COUNT, [(key, at) for key in keys])
                old = (now - KEEP.total_seconds(),)
                connection.execute("DELETE FROM deaths WHERE at < ?", old)
                connection.execute("DELETE FROM counted WHERE at < ?", old)

        self._database.run(note)

    def of(self, key: bytes) -> int:
        """Tell how many were counted.

        Raises:
            TROUBLES: the disk does not bear it.

        """
        if not self._path.exists():
            return 0
        found = self._database.run(
            lambda connection: connection.execute("SELECT deaths FROM deaths WHERE key = ?", (key,)).fetchone()
        )
        return 0 if found is None else int(found[0])

    def clear(self, key: bytes) -> None:
        """Forget those of a message.

        Raises:
            TROUBLES: the disk does not bear it.

        """
        if self.of(key):
            self._database.run(lambda connection: connection.execute("DELETE FROM deaths WHERE key = ?", (key,)))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
