"""The notes of what was sent and settled, in SQL; the same on disk and in memory.

A row tells of one recipient of one message: when it was last handed over (`handed`), when it was last served (`at`),
both in milliseconds since 1970 or 0 for not yet, and how much of it (`pieces`). Where two databases know of the same
recipient, the later of each counts.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS sent (
    key BLOB NOT NULL, slot INTEGER NOT NULL,
    pieces INTEGER NOT NULL, at INTEGER NOT NULL, handed INTEGER NOT NULL,
    PRIMARY KEY (key, slot)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settled (version BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID
"""

_SERVE = """
INSERT INTO sent VALUES (?, ?, ?, ?, 0)
ON CONFLICT (key, slot) DO UPDATE SET pieces = excluded.pieces, at = excluded.at
"""
_HAND_OVER = """
INSERT INTO sent VALUES (?, ?, 0, 0, ?) ON CONFLICT (key, slot) DO UPDATE SET handed = excluded.handed
"""
_MERGE = """
INSERT INTO sent VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key, slot) DO UPDATE SET
    pieces = CASE WHEN excluded.at >= at THEN excluded.pieces ELSE pieces END,
    at = max(at, excluded.at), handed = max(handed, excluded.handed)
"""


class Row(NamedTuple):
    """What one database knows of one recipient of a message."""

    slot: int
    pieces: int
    at: int
    handed: int


def _many(connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if len(rows) == 1:
        connection.execute(statement, rows[0])
    elif rows:
        with connection:  # ends what is begun in it, either way
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(statement, rows)


def serve(connection: sqlite3.Connection, key: bytes, slots: Collection[int], pieces: int, at: int) -> None:
    """Note that these have it, or so many pieces."""
    _many(connection, _SERVE, [(key, slot, pieces, at) for slot in slots])


def hand_over(connection: sqlite3.Connection, key: bytes, slots: Collection[int], at: int) -> None:
    """Note that these may have it."""
    _many(connection, _HAND_OVER, [(key, slot, at) for slot in slots])


def rows(connection: sqlite3.Connection, key: bytes) -> list[Row]:
    """Give all that is known of a message."""
    found = connection.execute("SELECT slot, pieces, at, handed FROM sent WHERE key = ?", (key,))
    return [Row(*row) for row in found]


def settle(connection: sqlite3.Connection, version: bytes) -> None:
    """Note that a copy was settled."""
    connection.execute("INSERT OR IGNORE INTO settled VALUES (?)", (version,))


def is_settled(connection: sqlite3.Connection, version: bytes) -> bool:
    """Tell whether a copy was settled."""
    return connection.execute("SELECT 1 FROM settled WHERE version = ?", (version,)).fetchone() is not None


def clear(connection: sqlite3.Connection, key: bytes, until: int) -> None:
    """Forget the hand-overs of a message up to a moment; looks first, since a look is cheap and a write is not."""
    if any(row.at < row.handed <= until for row in rows(connection, key)):
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE sent SET handed = 0 WHERE key = ? AND handed <= ?", (key, until))
            connection.execute("DELETE FROM sent WHERE key = ? AND handed = 0 AND at = 0", (key,))


def touch(connection: sqlite3.Connection) -> None:
    """Write something that means nothing, to know whether it can be written.

    What was written to the log of the database goes into the database itself before, so that the log begins anew: on a
    disk that is almost full this may be all the room there is.
    """
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    connection.execute("PRAGMA user_version = 1")


def some(connection: sqlite3.Connection, count: int) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Give so many rows and settled copies, as they are."""
    return (
        connection.execute("SELECT key, slot, pieces, at, handed FROM sent LIMIT ?", (count,)).fetchall(),
        connection.execute("SELECT version FROM settled LIMIT ?", (count,)).fetchall(),
    )


def merge(connection: sqlite3.Connection, sent: Iterable[tuple[Any, ...]], settled: Iterable[tuple[Any, ...]]) -> None:
    """Add rows and settled copies of another database."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_MERGE, sent)
        connection.executemany("INSERT OR IGNORE INTO settled VALUES (?)", settled)


def drop(connection: sqlite3.Connection, sent: Iterable[tuple[Any, ...]], settled: Iterable[tuple[Any, ...]]) -> None:
    """Forget rows and settled copies that another database has now."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM sent WHERE key = ? AND slot = ?", [row[:2] for row in sent])
        connection.executemany("DELETE FROM settled WHERE version = ?", settled)
