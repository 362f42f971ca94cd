"""The notes of what was sent and settled, in SQL; the same on disk and in memory.

A row tells of one recipient of one message: when it was last handed over (`handed`), when it was last served (`at`),
both in milliseconds since 1970 or 0 for not yet, and how much of it (`pieces`). Where two databases know of the same
recipient, the later of each counts.

Most notes are of messages that were served at the first try. They come by the hundred and are nearly never asked
for, so they lie packed: each group adds one row to each of 32 parts, which the key chooses. A row for each would have
to be put in its order among all the others, in a page of its own each, and that is where the time would go.
"""

import sqlite3
import struct
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from dispatcher.journal.places import Place

SCHEMA = """
CREATE TABLE IF NOT EXISTS sent (
    key BLOB NOT NULL, slot INTEGER NOT NULL,
    pieces INTEGER NOT NULL, at INTEGER NOT NULL, handed INTEGER NOT NULL,
    PRIMARY KEY (key, slot)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS served (
    part INTEGER NOT NULL, number INTEGER NOT NULL, notes BLOB NOT NULL, PRIMARY KEY (part, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settled (version BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID
"""

_PARTS = 32
_PACKED = struct.Struct("<16sQQ")

_PACK = """
INSERT INTO served SELECT :part, coalesce(max(number), 0) + 1, :notes FROM served WHERE part = :part
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


def pack(connection: sqlite3.Connection, places: Iterable[Place]) -> None:
    """Note what was served at the first try."""
    parts: defaultdict[int, list[bytes]] = defaultdict(list)
    for place in places:
        parts[_part(place.key)].append(_PACKED.pack(place.key, place.at, place.served))
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_PACK, [{"part": part, "notes": b"".join(parts[part])} for part in sorted(parts)])


def packed(connection: sqlite3.Connection, key: bytes) -> list[Place]:
    """Give what lies packed about a message."""
    found = []
    for (content,) in connection.execute("SELECT notes FROM served WHERE part = ? ORDER BY number", (_part(key),)):
        at = content.find(key)
        while at >= 0:
            if at % _PACKED.size == 0:
                _, time, served = _PACKED.unpack_from(content, at)
                found.append(Place(key, time, served, 0))
            at = content.find(key, at + 1)
    return found


def _part(key: bytes) -> int:
    return key[0] % _PARTS


def add(connection: sqlite3.Connection, places: Iterable[Place]) -> None:
    """Note what was served at the first try in rows, which can be taken to another database."""
    merge(connection, [(place.key, slot, 0, place.at, 0) for place in places for slot in place.slots], ())


def sum_up(
    rows: Iterable[Row], places: Iterable[Place], since: int, cleared: int
) -> tuple[dict[int, int], frozenset[int]]:
    """Give who was served of a message and how much of it, and of whom nobody knows.

    Args:
        rows: what is known of it.
        places: what lies packed about it.
        since: what was before counts for another message, in milliseconds since 1970.
        cleared: what was handed over until then is in no doubt.

    """
    served: dict[int, tuple[int, int]] = {}
    unsure: set[int] = set()
    for row in (*rows, *(Row(slot, 0, place.at, 0) for place in places for slot in place.slots)):
        if row.at >= max(since, 1) and row.at >= served.get(row.slot, (0, 0))[0]:
            served[row.slot] = row.at, row.pieces
        if row.handed > max(row.at, cleared) and row.handed >= since:
            unsure.add(row.slot)
    return {slot: pieces for slot, (_, pieces) in served.items()}, frozenset(unsure - served.keys())


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
