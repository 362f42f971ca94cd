"""Packages of another suite of Debian than this machine's: fetched and unpacked in a folder, nothing is installed.

They come from the archive that this machine's own packages come from, and are verified with the same keys. No script
of theirs runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LAST_LINES = 15


class NotToBeHad(Exception):
    """Something cannot be had here; the text says what to do."""


def unpack(suite: str, packages: tuple[str, ...], work: Path, *, alone: bool = False) -> Path:
    """Unpack packages of a suite; give the folder.

    Args:
        suite: as Debian calls it.
        packages: their names.
        work: an empty folder for all that it takes.
        alone: leave out what they need: that is here.

    Raises:
        NotToBeHad: no apt, no archive, no network, no such suite.

    """
    if shutil.which("apt-get") is None:
        raise NotToBeHad(f"{packages[0]} of another Debian needs Debian's apt-get.")
    for name in ("lists/partial", "archives/partial", "state", "root"):
        (work / name).mkdir(parents=True)
    (work / "state" / "status").touch()  # nothing is installed: so everything is fetched
    keys = f"[signed-by={KEYS}] " if KEYS.exists() else ""
    (work / "sources.list").write_text(f"deb {keys}{archive()} {suite} main\n")
    options = {
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": work / "state",
        "Dir::State::status": work / "state" / "status",
        "Dir::State::lists": work / "lists",
        "Dir::Cache": work,
        "Dir::Cache::archives": work / "archives",
        "APT::Sandbox::User": "root",  # who else might download for root cannot write here
        "APT::Default-Release": "",
        "APT::Install-Recommends": "false",
        "Acquire::Languages": "none",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    run(*apt, "update")
    if alone:
        run(*apt, "download", *packages, folder=work / "archives")
    else:
        run(*apt, "install", "--yes", "--download-only", *packages)
    for package in sorted((work / "archives").glob("*.deb")):
        run("dpkg-deb", "--extract", str(package), str(work / "root"))
    return work / "root"


def archive() -> str:
    """Give the address of Debian's archive, as this machine's apt knows it.

    Raises:
        NotToBeHad: it knows none.

    """
    said = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)", "Created-By: Packages")
    known = [line.split() for line in said.splitlines()]
    # Whether it is Debian's own is only known once apt has looked; security updates are another archive.
    of_debian = [words[0] for words in known if words[1:] in ([], ["Debian"]) and "security" not in words[0]]
    if not of_debian:
        raise NotToBeHad("apt knows no archive of Debian here; this needs a Debian.")
    return of_debian[0]


def run(*command: str, folder: Path | None = None) -> str:
    """Run a program; give what it says.

    Raises:
        NotToBeHad: it failed; the text has its last lines.

    """
    settings = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=folder, env=settings
    )
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-LAST_LINES:])
        raise NotToBeHad(f"{last}\n{' '.join(command[:2])} … failed; the lines above say why.")
    return done.stdout
