"""An empty virtual environment with what was built in it, and of the libraries just those that it asks for."""

import email
import subprocess
import sys
from collections.abc import Collection, Iterable
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def metadata(wheel: Path) -> email.message.Message:
    """Read what a wheel says of itself."""
    with ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def install(wheel: Path, folder: Path, extras: Collection[str] = ()) -> Path:
    """Make a virtual environment of a wheel and its libraries, those of our own linked; give its `bin`."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "--python", folder / "bin" / "python"]
    subprocess.run([*pip, "install", "--no-index", "--no-deps", wheel], check=True)
    site = next((folder / "lib").glob("python3.*/site-packages"))
    for name in _needed(metadata(wheel).get_all("Requires-Dist") or [], extras):
        _link(name, site)
    return folder / "bin"


def _needed(requirements: Iterable[str], extras: Collection[str]) -> set[str]:
    """Give the libraries that are asked for, and what those ask for."""
    found: set[str] = set()
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(Requirement(one), frozenset(extras)) for one in requirements]
    while waiting:
        wanted, asked = waiting.pop()
        if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in {"", *asked}):
            continue
        name, more = canonicalize_name(wanted.name), frozenset(wanted.extras)
        found.add(name)
        if (name, more) not in seen:
            seen.add((name, more))
            waiting += [(Requirement(one), more) for one in distribution(name).requires or []]
    return found


def _link(name: str, site: Path) -> None:
    library = distribution(name)
    files = library.files or []
    for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
        link = site / top
        if not link.exists():
            link.symlink_to(str(library.locate_file(top)))
