"""Which files an edition was made of, and whether they are still the same."""

import errno
import os
import stat
from pathlib import Path
from time import time_ns

Signature = tuple[int, int, int, int]
"""What changes with a file: a tool may keep the time of a file it replaces, but not its inode and change time too."""

_INODE = 2

SAVING = 0.2
"""Seconds that a file which is written in place must have stayed the same to be taken for whole."""

_MOST = 1_000
"""A template may include what a parameter names, so publishers could make the list of files grow without end."""


_AWAY = frozenset(
    getattr(errno, name)
    for name in (
        *("EIO", "ESTALE", "EREMOTEIO", "EUCLEAN", "ENODEV", "ENXIO", "ENOTCONN"),
        *("EHOSTDOWN", "EHOSTUNREACH", "ETIMEDOUT", "EMFILE", "ENFILE", "ENOMEM"),
    )
    if hasattr(errno, name)
)
"""Errors of the file system, or of the machine: they say nothing about whether a file is there, or what is in it."""


class Broken(Exception):
    """A template cannot be used as it lies on disk. Its text says which, where and why."""


class Unreadable(Broken):
    """…and that is no fault of the template: files cannot be read at all, at the moment."""


def is_away(error: OSError) -> bool:
    """Tell an error of the file system or of the machine from one of a single file."""
    return error.errno in _AWAY


def why_unreadable(what: str, error: OSError) -> str:
    """Give the sentence for a file or folder that cannot be read: what, why, what to do."""
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return f"{what} cannot be read: {error.strerror}; allow the dispatcher more open files (ulimit -n)"
    return f"{what} cannot be read: {error.strerror}; look after the file system, or set service.templates.path"


def signature(path: Path) -> Signature | None:
    """Look at a file; `None` where there is none, or something that is not a plain file.

    Raises:
        OSError: nobody can tell, at the moment.

    """
    try:
        found = os.stat(path)  # noqa: PTH116 - half the price of `Path.stat`, and paid often
    except ValueError:
        return None
    except OSError as error:
        if is_away(error):
            raise
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns)


class Snapshot:
    """The files looked at, absent ones too: an absent one that appears may be the one to use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: dict[str, tuple[Path, Signature | None]] = {}

    def there(self, name: str) -> bool:
        """Tell whether there is a file of that name; the first look counts, so that one edition is one state.

        Raises:
            Unreadable: nobody can tell, at the moment.

        """
        if name not in self._seen:
            path = self.folder / name
            try:
                self._seen[name] = (path, signature(path))
            except OSError as error:
                raise Unreadable(why_unreadable(name, error)) from error
        return self._seen[name][1] is not None

    def seen(self, name: str) -> Signature | None:
        """Give what a file was at the first look; `None` where there was none, or nobody looked."""
        return self._seen[name][1] if name in self._seen else None

    def changed(self) -> bool:
        """Tell whether any of the files is not what it was, or may not be."""
        try:
            return len(self._seen) > _MOST or any(signature(path) != seen for path, seen in self._seen.values())
        except OSError:
            return True

    def saved_in(self, before: "Snapshot | None") -> float:
        """Give the seconds until all files are surely whole; `0` where they are.

        A file that was written a moment ago may be half of what it is to be. One that took another's place, by being
        renamed, was whole before.
        """
        now = time_ns()
        youngest = SAVING
        for name, (_, seen) in self._seen.items():
            was = before.seen(name) if before else None
            if seen is None or seen == was or (was is not None and was[_INODE] != seen[_INODE]):
                continue
            age = (now - seen[0]) / 1e9
            youngest = min(youngest, age if age >= 0 else SAVING)  # a clock was set back: nobody can tell
        return SAVING - youngest

    def present(self) -> list[str]:
        """Give the names of the files that were there."""
        return [name for name, (_, seen) in self._seen.items() if seen is not None]
