"""The journal of a host: on disk while the disk bears it, in memory while it does not."""

import logging
import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import TypeVar

from dispatcher.flow.journal import Hand, Journal, Record
from dispatcher.journal import notes
from dispatcher.journal.database import NOWHERE, TROUBLES, complaint, is_locked
from dispatcher.journal.disk import Disk
from dispatcher.journal.marks import LooseHand, Marks, PlacedHand
from dispatcher.journal.memory import Memory
from dispatcher.journal.places import Place

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY = 10.0
"""How many seconds a disk in trouble is left alone."""

SOON = 1.0
"""…and one that was only locked, which is no trouble yet."""

CLEARINGS, PORTION = 50, 500
"""How many messages are cleared on disk, and how many notes go from memory to it, at once: the event loop stands still
meanwhile, some 3 ms."""


class HostJournal(Journal):
    """What this host remembers, in one folder for all its daemons.

    Nothing is opened before the first use.

    Args:
        folder: where the files are; made when missing. Without one it is kept in memory.
        keep: how long what was sent is remembered, at least.
        now: the clock, in seconds since 1970.

    """

    def __init__(self, folder: Path | None, keep: timedelta, *, now: Callable[[], float] = time.time) -> None:
        self._clock = now
        self._folder = folder
        self._memory = Memory(keep)
        self._disk = None if folder is None else Disk(folder, keep)
        self._marks = None if self._disk is None else Marks(self._disk.hands, self._mark)
        self._is_open = False
        self._is_readable = False
        self._tried: float | None = None
        self._pause = RETRY
        self._was_locked = False
        self._trouble: str | None = None

    def recall(self, key: bytes, since: datetime | None = None) -> Record:
        """Give what is known of a message. Who died is noticed here."""
        self._look()
        now = self._now()
        ours = [] if self._marks is None else [place for place in self._marks.unwritten.values() if place.key == key]
        known = self._ask(lambda disk: disk.places(key, now), ours)  # first: they go from there to the database
        rows = self._everywhere(lambda connection: notes.rows(connection, key))
        known += self._everywhere(lambda connection: notes.packed(connection, key))
        start, cleared = 0 if since is None else int(since.timestamp() * 1000), self._memory.cleared.get(key, 0)
        served, unsure = notes.sum_up(rows, known, start, cleared)
        return Record(served, unsure, 0 if cleared else self._ask(lambda disk: disk.deaths(key), 0))

    def hand_over(self, key: bytes, slots: Collection[int]) -> None:
        """Note that a service may have it for these from now on."""
        at = self.milliseconds()
        self._write(lambda connection: notes.hand_over(connection, key, slots, at))

    def serve(self, key: bytes, slots: Collection[int], pieces: int = 0) -> None:
        """Note that these have it, or so many pieces of it."""
        at = self.milliseconds()
        self._write(lambda connection: notes.serve(connection, key, slots, pieces, at))

    def settle(self, version: bytes) -> None:
        """Note that one copy of a message was settled."""
        self._write(lambda connection: notes.settle(connection, version))

    def is_settled(self, version: bytes) -> bool:
        """Tell whether this copy was settled."""
        self._is_usable()
        return any(self._everywhere(lambda connection: [notes.is_settled(connection, version)]))

    def take(self, key: bytes) -> Hand:
        """Mark a message as in hand and worked on."""
        if self._marks is None:
            return LooseHand(key, self)
        if not self._is_open or self._memory:
            self._is_usable()
        return PlacedHand(key, self._marks, self)

    def milliseconds(self) -> int:
        """Give the time since 1970."""
        return int(self._now() * 1000)

    def noted(self, number: int, place: Place, *, known: bool) -> None:
        """Take note of whom a place says to be served, and whether that is in a file."""
        if known and self._marks is not None and (self._is_open or self._is_only_locked):
            self._marks.unwritten[number] = place
            self._pack(place.at)
        else:
            self._memory.write(lambda connection: notes.add(connection, [place]), self._now())

    def is_held_elsewhere(self, key: bytes) -> bool:
        """Tell whether another living process of this host has it in hand."""
        self._look()
        return self._ask(lambda disk: disk.is_held_elsewhere(key), otherwise=False)

    def clear(self, key: bytes) -> None:
        """Forget the deaths and the doubts about a message."""
        disk, now, until = self._disk, self._now(), self.milliseconds()
        done = disk is None or (self._is_usable() and self._does(lambda: disk.clear(key, until, now)))
        self._memory.clear(key, until, remember=not done)

    @property
    def trouble(self) -> str | None:
        """Why it is kept in memory only. Asking tries the disk again, where it is time."""
        self._is_usable()
        self._pack(self.milliseconds())
        return self._trouble

    def close(self) -> None:
        """Let go of the files; what is still in memory goes to disk before, where that bears it."""
        disk = self._disk
        if disk is None:
            return
        for _ in range(2):  # it may be locked just now
            self._tried = None
            self._pack()
        while self._memory and self._is_usable():
            pass
        disk.close()
        self._disk = self._marks = None

    def _now(self) -> float:
        return max(1.0, self._clock())

    def _write(self, note: Callable[[Connection], None]) -> None:
        disk, now = self._disk, self._now()
        if disk is not None and self._is_usable() and self._does(lambda: disk.write(note, now)):
            return
        self._memory.write(note, now)

    def _everywhere(self, question: Callable[[Connection], list[T]]) -> list[T]:
        now, nothing = self._now(), list[list[T]]()
        answers = self._ask(lambda disk: disk.ask(question, now), nothing) + self._memory.ask(question)
        return [item for answer in answers for item in answer]

    def _look(self) -> None:
        """Find out who lives; count the dead where that can be written."""
        disk, now = self._disk, self._now()
        if disk is not None:
            if self._is_usable():
                self._does(lambda: disk.bury(now))
            elif self._is_readable:
                self._does(disk.look)

    def _mark(self, place: int, record: bytes) -> bool:
        try:
            return self._disk is not None and self._disk.hands.write(place, record)
        except TROUBLES as error:
            self._fail(error)
            return False

    def _pack(self, at: int | None = None) -> None:
        """Write to the database what only stands in our places, where it is time for that."""
        disk, marks = self._disk, self._marks
        if disk is None or marks is None or not (marks.is_due(at) and self._is_usable()):
            return
        if self._does(lambda: disk.pack(marks.unwritten.values(), self._now())):
            marks.written()

    def _ask(self, question: Callable[[Disk], T], otherwise: T) -> T:
        """Ask the disk, which may still be read where it cannot be written."""
        if self._disk is not None and self._is_readable:
            try:
                return question(self._disk)
            except TROUBLES as error:
                self._is_readable = False
                self._fail(error)
        return otherwise

    def _does(self, action: Callable[[], None]) -> bool:
        try:
            action()
        except TROUBLES as error:
            self._fail(error)
            return False
        return True

    def _is_usable(self) -> bool:
        """Tell whether the disk can be written; try it again where it is time, and move what is in memory."""
        disk, now = self._disk, self._now()
        if disk is None:
            if self._folder is None:
                self._say(NOWHERE)
            return False
        if not self._is_open:
            if self._tried is not None and abs(now - self._tried) < self._pause:  # the clock may have stepped back
                return False
            self._tried = now
            self._is_open = self._is_readable = True
            self._does(lambda: disk.open(now))
        if self._is_open and self._memory:
            self._does(lambda: self._move(disk, now))
        if self._is_open and self._tried is not None:
            self._tried, self._was_locked = None, False
            if self._trouble is not None:
                self._trouble = None
                log.info("the journal in %s is on disk again", self._folder)
        return self._is_open

    @property
    def _is_only_locked(self) -> bool:
        return self._was_locked and self._trouble is None

    def _move(self, disk: Disk, now: float) -> None:
        for key, until in list(self._memory.cleared.items())[:CLEARINGS]:
            disk.clear(key, until, now)
            del self._memory.cleared[key]
        self._memory.move(lambda note: disk.write(note, now), PORTION)

    def _fail(self, error: Exception) -> None:
        """Leave the disk alone for a while, and say so once."""
        if not self._is_open:  # known
            return
        self._is_open, self._tried = False, self._now()
        if is_locked(error) and not self._was_locked and self._trouble is None:
            self._was_locked, self._pause = True, SOON
            return  # what stands in our places stays there, where it outlives us
        marks = self._marks
        if marks is not None and marks.unwritten:
            self._memory.write(lambda connection: notes.add(connection, marks.unwritten.values()), self._tried)
            marks.written()
        self._pause = RETRY
        self._say(complaint(self._folder, error))

    def _say(self, sentence: str) -> None:
        if self._trouble is None:
            log.warning("%s", sentence)
        self._trouble = sentence
