"""Get what the tests of `vagrant/` need: Vagrant, what reads its script, and what makes a machine of a folder.

python3 helpers/vagrant.py    install Debian's, where they are missing
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers import bare_debian  # noqa: E402 - found only after the line above, as a script
from helpers.debian import PackageFailure, apt_install  # noqa: E402

PROGRAMS = {**bare_debian.PROGRAMS, "shellcheck": "shellcheck", "vagrant": "vagrant"}


def main() -> int:
    """Install them; an error is a sentence."""
    missing = [package for name, package in PROGRAMS.items() if shutil.which(name, path=bare_debian.PLACES) is None]
    if not missing:
        return 0
    print(f"Installing Debian's {', '.join(missing)}", file=sys.stderr, flush=True)
    try:
        apt_install(*missing)
    except PackageFailure as error:
        print(f"{error}\nThe tests of vagrant/ need them.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
