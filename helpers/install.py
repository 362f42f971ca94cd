"""Make `.venv` and put the locked libraries into it, with nothing but Python 3.11.

    python3 helpers/install.py          `.venv`, for everything but the benchmarks
    python3 helpers/install.py bench    `.run/bench/venv`, with what they compare with
    python3 helpers/install.py /opt/dispatcher/venv    there, what a box runs: this checkout, and Traefik
    python3 helpers/install.py requirements    print what the daemon alone needs, for pip in an image

Poetry is what maintains `poetry.lock`; installing from it needs no Poetry: this reads the lock and hands
every pinned version with its hashes to pip, which is quicker on a fresh machine and refuses a changed file.
Runs again only when the lock has changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.debian import PackageFailure, apt_install  # noqa: E402 - found only after the line above


class Place(NamedTuple):
    """A virtual environment, and the groups of the lock that go into it."""

    folder: Path
    groups: frozenset[str]

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.folder / "bin" / "python"

    @property
    def command(self) -> Path:
        """The command `dispatcher` in it."""
        return self.folder / "bin" / "dispatcher"

    @property
    def stamp(self) -> Path:
        """The file that says from what it was installed."""
        return self.folder / "installed-from"


USUAL = Place(ROOT / ".venv", frozenset({"main", "helpers", "dev"}))
BENCH = Place(ROOT / ".run" / "bench" / "venv", frozenset({"main", "helpers", "bench"}))
RUNNING = frozenset({"main", "helpers", "proxy"})

EXTRA, ALWAYS = re.compile(r'extra == "[^"]*"'), 'python_version >= "3"'
"""What the lock says of a library that an extra of ours asks for, and what is said instead: all of them are wanted."""


def named(arguments: list[str]) -> Place:
    """Give the place that the command line names."""
    if not arguments:
        return USUAL
    return BENCH if arguments == ["bench"] else Place(Path(arguments[0]).absolute(), RUNNING)


def main(place: Place = USUAL) -> int:
    """Install what the lock names; say in one sentence what is missing where that cannot be done."""
    if sys.version_info < (3, 11):
        print("Dispatcher needs Python 3.11 or newer; run this with it: PYTHON=python3.11 make …", file=sys.stderr)
        return 2
    wanted = hashlib.sha256((ROOT / "poetry.lock").read_bytes()).hexdigest()
    # The path is part of the stamp: a virtual environment that was moved does not work.
    wanted = f"{wanted} {place.folder}"
    if place.stamp.exists() and place.stamp.read_text() == wanted and place.python.exists() and place.command.exists():
        return 0
    try:
        make_venv(place)
        install(place, locked(*place.groups))
    except PackageFailure as error:
        print(error, file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"Installing failed at: {' '.join(map(str, error.cmd[:4]))} …; see the lines above.", file=sys.stderr)
        return 2
    place.stamp.write_text(wanted)
    return 0


def locked(*groups: str) -> str:
    """Give the requirement lines of some groups of the lock: with them, pip needs neither Poetry nor this program."""
    import tomllib  # noqa: PLC0415 - an older Python, which has none, is told so by `main`

    return requirements(tomllib.loads((ROOT / "poetry.lock").read_text()), frozenset(groups))


def make_venv(place: Place) -> None:
    """Create the virtual environment, with Debian's python3-venv where `ensurepip` was taken out of Python."""
    if has_no_ensurepip():
        print("Python has no venv module here: installing Debian's python3-venv", flush=True)
        apt_install(f"python3.{sys.version_info.minor}-venv")
    print(f"Making {place.folder.relative_to(ROOT) if place.folder.is_relative_to(ROOT) else place.folder}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", place.folder], check=True)


def has_no_ensurepip() -> bool:
    """Tell whether this Python cannot make a virtual environment with pip in it."""
    probe = subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False)
    return probe.returncode != 0


def requirements(lock: dict, groups: frozenset[str]) -> str:
    """Give what some groups need as pip's requirement lines: `name==version ; marker --hash=…`."""
    return "\n".join(requirement(package, groups) for package in lock["package"] if groups & set(package["groups"]))


def requirement(package: dict, groups: frozenset[str]) -> str:
    """Give one locked package as a requirement line."""
    markers = package.get("markers", "")
    if isinstance(markers, dict):  # some groups need it on some machines only: any of them will do
        wanted = [markers.get(group, "") for group in package["groups"] if group in groups]
        markers = " or ".join(f"({marker})" for marker in wanted) if all(wanted) else ""
    markers = EXTRA.sub(ALWAYS, markers)
    hashes = " ".join(f"--hash={file['hash']}" for file in package["files"])
    return f"{package['name']}=={package['version']}" + (f" ; {markers}" if markers else "") + f" {hashes}"


def install(place: Place, lines: str) -> None:
    """Install the requirement lines, and the package itself as an editable install."""
    print("Installing the locked libraries", flush=True)
    listing = place.folder / "requirements.txt"
    listing.write_text(lines + "\n")
    pip = [place.python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--require-hashes", "-r", listing], check=True)
    # A path file rather than a build: nothing else has to be fetched, and edits are seen at once.
    site = next((place.folder / "lib").glob("python3.*/site-packages"))
    (site / "dispatcher.pth").write_text(f"{ROOT}\n")
    to_root = os.path.relpath(ROOT, place.command.parent)
    place.command.write_text(
        f'#!/bin/sh\nhere=$(dirname "$0")\nexec "$here/python" "$here/{to_root}/dispatcher/main.py" "$@"\n'
    )
    place.command.chmod(0o755)


if __name__ == "__main__":
    if sys.argv[1:2] == ["requirements"]:
        print(locked(*(sys.argv[2:] or ["main"])))
        sys.exit(0)
    sys.exit(main(named(sys.argv[1:])))
