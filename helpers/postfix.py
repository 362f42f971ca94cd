"""Get Postfix's `smtp-sink`, a mail server of strangers for the fault suite.

python3 helpers/postfix.py    install Debian's, where there is none; the service of the package is not started
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.debian import PackageFailure, apt_install  # noqa: E402 - found only after the line above, as a script

PLACES = "/usr/sbin:/usr/local/sbin"
"""Where it lies, which is not on the PATH of everybody."""


def smtp_sink() -> str | None:
    """Give its path, if it is there."""
    return shutil.which("smtp-sink") or shutil.which("smtp-sink", path=PLACES)


def main() -> int:
    """Install it; an error is a sentence."""
    if smtp_sink():
        return 0
    print("Installing Debian's postfix", file=sys.stderr, flush=True)
    try:
        apt_install("postfix", service="postfix")
    except PackageFailure as error:
        print(f"{error}\nThe fault suite needs smtp-sink, which comes with postfix.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
