"""Who was served and which copies were settled: a SQLite file for each span of time, thrown away as a whole."""

import contextlib
import math
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from dispatcher.journal import notes
from dispatcher.journal.database import Database
from dispatcher.journal.places import Place

T = TypeVar("T")

_NAME = re.compile(r"(?:notes|sent)-([1-9][0-9]*)-([0-9]+)\.db(.*)", re.DOTALL)
_FAR = timedelta(days=1).total_seconds()
"""A file that lies further ahead was written while the clock was wrong."""


class Sent:
    """The files of a folder, `notes-<span in seconds>-<number of the span since 1970>.db`.

    The name tells how long a file is needed, also to a process that keeps its notes for another time: until one more
    span has gone by after its own. Files ahead of us count too, since a clock may step back. So do those of an older
    version, `sent-…`, in which nothing lies packed; no notes are added there.

    Args:
        folder: where they are.
        keep: how long notes are to be found, at least.

    """

    def __init__(self, folder: Path, keep: timedelta) -> None:
        self._folder = folder
        self._span = span(keep)
        self._open: dict[str, Database] = {}

    def write(self, note: Callable[[sqlite3.Connection], None], now: float) -> None:
        """Note something in the file of the present (seconds since 1970)."""
        self._database(f"notes-{self._span}-{int(now // self._span)}.db").run(note)

    def sort(self, places: Iterable[Place], now: float) -> dict[float, list[Place]]:
        """Give what still counts, by the beginning of its span: what is older is not remembered any more."""
        spans: dict[float, list[Place]] = {}
        for place in places:
            number = place.at // 1000 // self._span
            if _counts(self._span, number, now):
                spans.setdefault(number * self._span, []).append(place)
        return spans

    def ask(self, question: Callable[[sqlite3.Connection], T], names: Iterable[str], now: float) -> Iterator[T]:
        """Ask all files that still count, of the names in the folder; those that are over are deleted."""
        for name in names:
            match = _parse(name)
            if match is None:
                continue
            length, number, ending = match
            if (number + 2) * length <= now:
                self._delete(name)
            elif not ending and _counts(length, number, now):
                yield self._database(name).run(question)

    def close(self) -> None:
        """Let go of all files."""
        for database in self._open.values():
            database.close()
        self._open.clear()

    def _database(self, name: str) -> Database:
        database = self._open.get(name)
        if database is None:
            database = self._open[name] = Database(self._folder / name, notes.SCHEMA)
        return database

    def _delete(self, name: str) -> None:
        database = self._open.pop(name, None)
        if database is not None:
            database.close()
        with contextlib.suppress(OSError):  # gone, or it stays; no harm is done either way
            (self._folder / name).unlink()


def span(keep: timedelta) -> int:
    """Give how many seconds go into one file."""
    return max(1, math.ceil(keep.total_seconds()))


def _counts(length: int, number: int, now: float) -> bool:
    return number * length <= now + length + _FAR and (number + 2) * length > now


@lru_cache(maxsize=256)
def _parse(name: str) -> tuple[int, int, str] | None:
    match = _NAME.fullmatch(name)
    return None if match is None else (int(match[1]), int(match[2]), match[3])
