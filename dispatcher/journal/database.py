"""A SQLite file that several processes read and write at once, and that may be taken away or spoilt at any moment."""

import contextlib
import errno
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

TROUBLES = (OSError, sqlite3.Error, ValueError)
"""What a disk, SQLite and a path that cannot be one (`ValueError`) raise."""

NOWHERE = (
    "there is no folder for the journal, since its user has no home, so what was sent is remembered in memory only:"
    " set service.journal.path to a folder that can be written"
)

PATIENCE = 0.05
"""How long to wait for another process, in seconds: the event loop stands still meanwhile."""

_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_RIGHT = {errno.EACCES, errno.EPERM, errno.EROFS}
_SHUT = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
_BROKEN = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,  # no such table or column: it is not ours
}


class Database:
    """One file, opened at first use, and opened anew where another lies in its place.

    Args:
        path: the file; made for this user only when missing.
        schema: statements that make its tables where there are none.

    """

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._schema = schema
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    def run(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with it. A broken file is put aside, and it is done with a new one.

        Raises:
            TROUBLES: the disk does not bear it, or another process holds it locked too long.

        """
        try:
            return action(self._opened())
        except sqlite3.Error as error:
            if _code(error) in _SHUT:
                self.close()  # what was opened for reading stays so
            if _code(error) not in _BROKEN:
                raise
            self._put_aside(error)
        return action(self._opened())

    def close(self) -> None:
        """Let go of it; it may be used again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None:
            if _identity(self._path) == self._file:
                return self._connection
            self.close()
        with contextlib.suppress(FileExistsError):  # SQLite would let everybody read it
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        self._file = _identity(self._path)
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                self._connection = connect(str(self._path), self._schema)
            except sqlite3.OperationalError as error:
                # Where two make a new file at once, SQLite refuses one of them without waiting.
                if not is_locked(error) or time.monotonic() > give_up:
                    raise
                time.sleep(PATIENCE / 10)
            else:
                return self._connection

    def _put_aside(self, error: sqlite3.Error) -> None:
        self.close()
        if _identity(self._path) != self._file:  # another process was faster
            return
        aside = self._path.with_name(f"{self._path.name}.broken")
        for ending in ("-wal", "-shm"):  # first: afterwards they may be those of a new file, which another has made
            with contextlib.suppress(FileNotFoundError):
                self._path.with_name(self._path.name + ending).rename(f"{aside}{ending}")
        with contextlib.suppress(FileNotFoundError):
            self._path.rename(aside)
            log.warning("the journal's file %s is broken (%s) and was renamed to %s", self._path, error, aside.name)


def connect(path: str, schema: str) -> sqlite3.Connection:
    """Open a database whose every statement is a transaction.

    What a process wrote survives its death. A power cut may take the last seconds, since nothing waits for the disk
    (`synchronous=OFF`): that costs a second notification, never a lost one, and a hundredth of the time.
    """
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_mode=WAL")
        for statement in schema.split(";"):
            connection.execute(statement)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def is_locked(error: BaseException) -> bool:
    """Tell whether another process was in the way."""
    return isinstance(error, sqlite3.Error) and _code(error) in _LOCKED


def complaint(folder: Path | None, error: BaseException) -> str:
    """Say in one sentence what cannot be written, and why."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else error
    return (
        f"the journal in {folder} cannot be written ({why}), so what was sent is remembered in memory only:"
        f" {advice(error)}, or set service.journal.path to a folder that can be written"
    )


def advice(error: BaseException) -> str:
    """Say what somebody has to do about a trouble."""
    number = error.errno if isinstance(error, OSError) else None
    code = _code(error) if isinstance(error, sqlite3.Error) else None
    if number in _FULL_DISK or code in _FULL:
        return "free the disk"
    if number in _NO_RIGHT or code in _SHUT:
        return "let the dispatcher's user write there"
    if code in _LOCKED:
        return "end whatever else holds its files locked"
    return "correct that"


def _code(error: sqlite3.Error) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)  # missing where Python itself complains
    return None if code is None else code & 0xFF


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - each note asks; a third of the time of Path.stat
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
