"""Get a newer RabbitMQ than this machine's Debian has: that of another suite of Debian, unpacked in a folder.

    python3 helpers/rabbitmq4.py trixie      into .run/rabbitmq4/trixie, where it is not there yet
    RABBITMQ_ROOT=.run/rabbitmq4/trixie …    what starts nodes (helpers/node_programs.py) takes them from there

Nothing is installed. apt, told of that suite alone and that nothing is installed here, fetches the broker and all that
it needs, Erlang and the C library included; their files are unpacked, no script of theirs runs. The archive is the one
that this machine's own packages come from, and is verified with the same keys.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.node_programs import SCRIPT, VARIABLE  # noqa: E402 - found only after the line above, when run as a script

PLACE = ROOT / ".run" / "rabbitmq4"
DEFAULT = "trixie"
"""The suite with the newest RabbitMQ that Debian keeps; `sid` has what comes."""

PACKAGES = ("rabbitmq-server", "coreutils", "dash", "findutils", "grep", "libc-bin", "mawk", "sed")
"""The broker, and what its scripts call without saying so: Debian takes that for given."""

KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LAST_LINES = 15


class NotToBeHad(Exception):
    """It cannot be had here; the text says what to do."""


def get(suite: str) -> Path:
    """Give the folder of a suite's RabbitMQ; get it first where it is missing.

    Raises:
        NotToBeHad: no apt, no archive, no network, or no such suite.

    """
    root = PLACE / suite
    if (root / SCRIPT).is_file():
        return root
    if shutil.which("apt-get") is None or shutil.which("unshare") is None:
        raise NotToBeHad("A RabbitMQ of another suite needs Debian's apt-get, and unshare of util-linux.")
    print(f"Getting the RabbitMQ of Debian's {suite}", file=sys.stderr, flush=True)
    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{suite}.", dir=PLACE) as work:
        fresh = Path(work) / "root"
        fresh.mkdir()
        for package in _fetch(suite, Path(work)):
            _run("dpkg-deb", "--extract", str(package), str(fresh))
        fresh.replace(root)
    return root


def _fetch(suite: str, work: Path) -> list[Path]:
    """Download the packages below a folder; give their files."""
    for name in ("lists/partial", "archives/partial", "state"):
        (work / name).mkdir(parents=True)
    (work / "state" / "status").touch()  # nothing is installed: so everything is fetched
    keys = f"[signed-by={KEYS}] " if KEYS.exists() else ""
    (work / "sources.list").write_text(f"deb {keys}{_archive()} {suite} main\n")
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
    _run(*apt, "update")
    _run(*apt, "install", "--yes", "--download-only", *PACKAGES)
    return sorted((work / "archives").glob("*.deb"))


def _archive() -> str:
    """Give the address of Debian's archive, as this machine's apt knows it."""
    said = _run("apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)", "Created-By: Packages")
    known = [line.split() for line in said.splitlines()]
    # Whether it is Debian's own is only known once apt has looked; security updates are another archive.
    of_debian = [words[0] for words in known if words[1:] in ([], ["Debian"]) and "security" not in words[0]]
    if not of_debian:
        raise NotToBeHad("apt knows no archive of Debian here; this target needs a Debian.")
    return of_debian[0]


def _run(*command: str) -> str:
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-LAST_LINES:])
        raise NotToBeHad(f"{last}\n{command[0]} could not get RabbitMQ; the lines above say why.")
    return done.stdout


def main(arguments: list[str]) -> int:
    """Get it; an error is a sentence."""
    try:
        root = get(arguments[0] if arguments else DEFAULT)
    except NotToBeHad as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{VARIABLE}={root}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
