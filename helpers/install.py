"""Make `.venv` and put the locked libraries into it, with nothing but Python 3.11.

    python3 helpers/install.py

Poetry is what maintains `poetry.lock`; installing from it needs no Poetry: this reads the lock and hands
every pinned version with its hashes to pip, which is quicker on a fresh machine and refuses a changed file.
Runs again only when the lock has changed.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.debian import PackageFailure, apt_install  # noqa: E402 - found only after the line above

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
COMMAND = VENV / "bin" / "dispatcher"
STAMP = VENV / "installed-from"


def main() -> int:
    """Install what the lock names; say in one sentence what is missing where that cannot be done."""
    if sys.version_info < (3, 11):
        print("Dispatcher needs Python 3.11 or newer; run this with it: PYTHON=python3.11 make …", file=sys.stderr)
        return 2
    import tomllib  # noqa: PLC0415 - an older Python, which has none, was told so above

    lock = ROOT / "poetry.lock"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    # The path is part of the stamp: a virtual environment that was moved does not work.
    wanted = f"{wanted} {VENV}"
    if STAMP.exists() and STAMP.read_text() == wanted and PYTHON.exists() and COMMAND.exists():
        return 0
    try:
        make_venv()
        install(requirements(tomllib.loads(lock.read_text())))
    except PackageFailure as error:
        print(error, file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"Installing failed at: {' '.join(map(str, error.cmd[:4]))} …; see the lines above.", file=sys.stderr)
        return 2
    STAMP.write_text(wanted)
    return 0


def make_venv() -> None:
    """Create `.venv`, with Debian's python3-venv where `ensurepip` was taken out of Python."""
    if has_no_ensurepip():
        print("Python has no venv module here: installing Debian's python3-venv", flush=True)
        apt_install(f"python3.{sys.version_info.minor}-venv")
    print("Making .venv", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)


def has_no_ensurepip() -> bool:
    """Tell whether this Python cannot make a virtual environment with pip in it."""
    probe = subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False)
    return probe.returncode != 0


def requirements(lock: dict) -> str:
    """Give the lock as pip's requirement lines: `name==version ; marker --hash=…`."""
    return "\n".join(requirement(package) for package in lock["package"])


def requirement(package: dict) -> str:
    """Give one locked package as a requirement line."""
    markers = package.get("markers", "")
    if isinstance(markers, dict):  # one marker for each dependency group: any of them will do
        markers = " or ".join(f"({marker})" for marker in markers.values())
    hashes = " ".join(f"--hash={file['hash']}" for file in package["files"])
    return f"{package['name']}=={package['version']}" + (f" ; {markers}" if markers else "") + f" {hashes}"


def install(lines: str) -> None:
    """Install the requirement lines, and the package itself as an editable install."""
    print("Installing the locked libraries", flush=True)
    listing = VENV / "requirements.txt"
    listing.write_text(lines + "\n")
    pip = [PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--require-hashes", "-r", listing], check=True)
    # A path file rather than a build: nothing else has to be fetched, and edits are seen at once.
    site = next((VENV / "lib").glob("python3.*/site-packages"))
    (site / "dispatcher.pth").write_text(f"{ROOT}\n")
    COMMAND.write_text('#!/bin/sh\nhere=$(dirname "$0")\nexec "$here/python" "$here/../../dispatcher/main.py" "$@"\n')
    COMMAND.chmod(0o755)


if __name__ == "__main__":
    sys.exit(main())
