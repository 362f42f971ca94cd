"""All that lies in the folder. Each method raises what the disk raises (`TROUBLES`)."""

import os
import sqlite3
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from dispatcher.journal import notes
from dispatcher.journal.deaths import Deaths
from dispatcher.journal.hands import Hands
from dispatcher.journal.places import HELD, WORKED, Place
from dispatcher.journal.sent import Sent

T = TypeVar("T")


class Disk:
    """One folder that all daemons of a host share.

    Args:
        folder: the folder; made for this user only when missing.
        keep: how long notes are to be found, at least.

    """

    def __init__(self, folder: Path, keep: timedelta) -> None:
        self._folder = folder
        self.hands = Hands(folder)
        self._sent = Sent(folder, keep)
        self._deaths = Deaths(folder)
        self._uncounted: dict[str, list[Place]] = {}

    def open(self, now: float) -> None:
        """Make what is missing, and write something to know that it can be written."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.write(notes.touch, now)
        self.hands.open()

    def write(self, note: Callable[[sqlite3.Connection], None], now: float) -> None:
        """Note something, at a time in seconds since 1970."""
        self._sent.write(note, now)

    def ask(self, question: Callable[[sqlite3.Connection], T], now: float) -> list[T]:
        """Ask all files that still count."""
        return list(self._sent.ask(question, os.listdir(self._folder), now))  # noqa: PTH208 - asked for each message

    def pack(self, places: Iterable[Place], now: float) -> None:
        """Note who was served, of many messages at once."""
        for at, together in self._sent.sort(places, now).items():
            self._sent.write(partial(notes.pack, places=together), at)

    def places(self, key: bytes, now: float) -> list[Place]:
        """Tell who was served of a message, as far as that is not in the database yet."""
        known = [*self.hands.ours(key), *self.hands.others(key)]
        known += [place for left in self._uncounted.values() for place in left if place.key == key]
        return [place for counting in self._sent.sort(known, now).values() for place in counting]

    def is_held_elsewhere(self, key: bytes) -> bool:
        """Tell whether one of the living, as `bury` or `look` found them, has a message in hand."""
        return any(place.state & HELD for place in self.hands.others(key))

    def bury(self, now: float) -> None:
        """Take over what the dead said last, count their deaths, and take their files away: in this order."""
        self.look()
        for name, left in list(self._uncounted.items()):
            self.pack([place for place in left if place.served], now)
            keys = _worked_on(left)
            if keys:
                self._deaths.count(name, keys, now)
            (self._folder / name).unlink(missing_ok=True)
            del self._uncounted[name]

    def look(self) -> None:
        """Find out who lives and who died, and make our file again where it is gone."""
        names = os.listdir(self._folder)  # noqa: PTH208 - asked for each message
        self._uncounted = self.hands.dead(names)
        if not self.hands.is_among(names):
            self.hands.open()

    def deaths(self, key: bytes) -> int:
        """Tell how often a process died with a message in hand, as `bury` or `look` found it."""
        return self._deaths.of(key) + sum(key in _worked_on(left) for left in self._uncounted.values())

    def clear(self, key: bytes, until: int, now: float) -> None:
        """Forget the deaths of a message, and its hand-overs up to a moment in milliseconds since 1970."""
        self.ask(lambda connection: notes.clear(connection, key, until), now)
        self._deaths.clear(key)

    def close(self) -> None:
        """Let go of all files, and take ours away."""
        self._sent.close()
        self._deaths.close()
        self.hands.close()


def _worked_on(places: Iterable[Place]) -> set[bytes]:
    return {place.key for place in places if place.state & WORKED}
