"""All that lies in the folder. Each method raises what the disk raises (`TROUBLES`)."""

import os
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from dispatcher.journal import notes
from dispatcher.journal.deaths import Deaths
from dispatcher.journal.hands import Hands
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
        self._uncounted: dict[str, set[bytes]] = {}

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

    def bury(self, now: float) -> None:
        """Count the deaths of those who died since the last time, and take their files away: in this order."""
        self.look()
        for name, keys in list(self._uncounted.items()):
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
        return self._deaths.of(key) + sum(key in keys for keys in self._uncounted.values())

    def clear(self, key: bytes, until: int, now: float) -> None:
        """Forget the deaths of a message, and its hand-overs up to a moment in milliseconds since 1970."""
        self.ask(lambda connection: notes.clear(connection, key, until), now)
        self._deaths.clear(key)

    def close(self) -> None:
        """Let go of all files, and take ours away."""
        self._sent.close()
        self._deaths.close()
        self.hands.close()
