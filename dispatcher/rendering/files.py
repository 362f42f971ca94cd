"""Which files an edition was made of, and whether they are still the same."""

import os
import stat
from pathlib import Path

Signature = tuple[int, int, int, int]
"""What changes with a file: a tool may keep the time of a file it replaces, but not its inode and change time too."""

_MOST = 1_000
"""A template may include what a parameter names, so publishers could make the list of files grow without end."""


def signature(path: Path) -> Signature | None:
    """Look at a file; `None` where there is none, or something that is not a plain file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - half the price of `Path.stat`, and paid often
    except (OSError, ValueError):
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
        """Tell whether there is a file of that name; the first look counts, so that one edition is one state."""
        if name not in self._seen:
            path = self.folder / name
            self._seen[name] = (path, signature(path))
        return self._seen[name][1] is not None

    def changed(self) -> bool:
        """Tell whether any of the files is not what it was."""
        return len(self._seen) > _MOST or any(signature(path) != seen for path, seen in self._seen.values())

    def present(self) -> list[str]:
        """Give the names of the files that were there."""
        return [name for name, (_, seen) in self._seen.items() if seen is not None]
