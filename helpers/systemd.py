"""Get `systemd-analyze`, with which the tests look at the unit.

python3 helpers/systemd.py    install Debian's systemd, where there is none; it is not made the machine's first process
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.debian import PackageFailure, apt_install  # noqa: E402 - found only after the line above, as a script


def main() -> int:
    """Install it; an error is a sentence."""
    if shutil.which("systemd-analyze"):
        return 0
    print("Installing Debian's systemd", file=sys.stderr, flush=True)
    try:
        apt_install("systemd")
    except PackageFailure as error:
        print(f"{error}\nThe tests of the unit need systemd-analyze, which comes with systemd.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
