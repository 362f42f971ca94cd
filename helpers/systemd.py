"""Get `systemd-analyze` and `systemd-nspawn`, with which the tests try the unit.

python3 helpers/systemd.py    install Debian's, where they are missing; systemd does not become the first process here
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.debian import PackageFailure, apt_install  # noqa: E402 - found only after the line above, as a script

PROGRAMS = {"systemd-analyze": "systemd", "systemd-nspawn": "systemd-container"}
"""What is needed, and the packages that have it."""


def main() -> int:
    """Install it; an error is a sentence."""
    missing = {name: package for name, package in PROGRAMS.items() if not shutil.which(name)}
    if not missing:
        return 0
    print(f"Installing Debian's {' and '.join(missing.values())}", file=sys.stderr, flush=True)
    try:
        apt_install(*missing.values())
    except PackageFailure as error:
        print(f"{error}\nThe tests of the unit need {' and '.join(missing)}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
