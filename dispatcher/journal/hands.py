"""What each process has in hand, and whom it has served of late: a file for each, locked as long as it lives.

The system gives the lock back when the process ends, however it ends, and what was written stays: so whoever can have
the lock of a file reads in it what its process died with. Written with `pwrite`, not through a mapping: a mapping costs
half as much, but ends the process with SIGBUS where the disk is full or somebody cuts the file short.
"""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Collection
from pathlib import Path

from dispatcher.journal.places import FREE, SIZE, Place, among, every, unpack

_CHUNK = 1024 * SIZE
_PREFIX = "hands-"
_NEW = "new-"
_OLD = "in-hand-"
"""So an older version calls its files, in another shape: nobody counts what its dead had in hand."""
_STALE = 60.0
"""After so many seconds a file that never got its lock and its name belongs to nobody."""
_LOOKS = 3
"""So often a place is looked at that is being written at that moment."""


class Hands:
    """What this process has in hand, and a look at the others'.

    Python opens files so that programs it starts do not inherit them, nor the lock; a bare `os.fork` would.

    Args:
        folder: where the files are.

    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._records: list[bytes] = []
        self._free: list[int] = []
        self._file: int | None = None
        self._name = ""
        self._others: dict[str, int] = {}

    def take(self) -> int:
        """Find a place that is free."""
        if self._free:
            return self._free.pop()
        self._records.append(FREE)
        return len(self._records) - 1

    def free(self, place: int) -> None:
        """Let a place be taken again; what stands there stays until then."""
        self._free.append(place)

    def write(self, place: int, record: bytes) -> bool:
        """Say something in a place, to others too; tell whether there is a file.

        Raises:
            OSError: the disk does not bear it.

        """
        self._records[place] = record
        if self._file is None:
            return False
        os.pwrite(self._file, record, place * SIZE)
        return True

    def is_among(self, names: Collection[str]) -> bool:
        """Tell whether our file is in the folder."""
        return self._name in names

    def open(self) -> None:
        """Make a new file with all that we say, instead of the one before.

        It gets the name that others look at only when it is locked: before, it would seem to belong to somebody dead.

        Raises:
            OSError: the disk does not bear it.

        """
        name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
        new = self._folder / f"{_NEW}{name}"
        file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.pwrite(file, b"".join(record.ljust(SIZE, b"\0") for record in self._records), 0)
            new.rename(self._folder / name)
        except OSError:
            os.close(file)
            new.unlink(missing_ok=True)
            raise
        self._let_go()
        self._file, self._name = file, name

    def close(self) -> None:
        """Take our file away, and let go of the others'."""
        self._let_go()
        for file in self._others.values():
            os.close(file)
        self._others.clear()

    def dead(self, names: Collection[str]) -> dict[str, list[Place]]:
        """Look at the others' files, of the names in the folder; give what the dead said last, by file."""
        present = {name for name in names if name.startswith(_PREFIX) and name != self._name}
        for name in self._others.keys() - present:
            os.close(self._others.pop(name))
        for name in names:
            if name.startswith(_NEW):
                self._tidy(self._folder / name)
            elif name.startswith(_OLD):
                _tidy_old(self._folder / name)
        dead = {}
        for name in present:
            file = self._other(name)
            # Shared, so that several may find at once that it is dead; its own process has the lock for itself.
            if file is not None and _can_lock(file):
                dead[name] = list(every(_content(file)))
                os.close(self._others.pop(name))
        return dead

    def ours(self, key: bytes) -> list[Place]:
        """Give what we say of a message."""
        places = (unpack(record) for record in self._records if record.startswith(key))
        return [place for place in places if place is not None]

    def others(self, key: bytes) -> list[Place]:
        """Give what the living, as `dead` found them, say of a message."""
        return [place for file in self._others.values() for place in _ask(file, key)]

    def _other(self, name: str) -> int | None:
        if name not in self._others:
            try:
                self._others[name] = os.open(self._folder / name, os.O_RDONLY)
            except FileNotFoundError:  # it has ended just now
                return None
        return self._others[name]

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                (self._folder / self._name).unlink()  # while it is locked, so that nobody takes us for dead
            os.close(file)
            self._name = ""

    def _tidy(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _STALE:
                path.unlink()


def _can_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tidy_old(path: Path) -> None:
    with contextlib.suppress(OSError), path.open("rb") as file:
        if _can_lock(file.fileno()):
            path.unlink()


def _content(file: int) -> bytes:
    content = bytearray()
    while chunk := os.pread(file, _CHUNK, len(content)):
        content += chunk
    return bytes(content)


def _ask(file: int, key: bytes) -> list[Place]:
    found: list[Place] = []
    for _ in range(_LOOKS):
        found, sound = among(_content(file), key)
        if sound:
            break
    return found
