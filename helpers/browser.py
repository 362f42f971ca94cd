"""Get Chromium, in which the tests look at the sandbox's page.

python3 helpers/browser.py    install Debian's, where there is none
"""

from __future__ import annotations

import sys
from ctypes.util import find_library
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.debian import PackageFailure, apt_install  # noqa: E402 - found only after the line above, as a script

CHROMIUM = Path("/usr/bin/chromium")
PACKAGES = ("chromium", "fonts-dejavu-core", "libatomic1")
"""With one font at least, so that texts have a width, and with what Playwright's driver asks for."""


def main() -> int:
    """Install it; an error is a sentence."""
    if CHROMIUM.exists() and find_library("atomic"):
        return 0
    print("Installing Debian's chromium", file=sys.stderr, flush=True)
    try:
        apt_install(*PACKAGES)
    except PackageFailure as error:
        print(f"{error}\nThe tests of the sandbox's page need {CHROMIUM}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
