"""Programs of Debian's that the tests use besides Python: which, in what packages, and how to get them.

python3 helpers/tools.py              install whatever is missing, in one go
python3 helpers/tools.py smtp-sink    just that one

No service that comes with them is started.
"""

from __future__ import annotations

import os
import shutil
import sys
from ctypes.util import find_library
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.debian import PackageFailure, apt_install  # noqa: E402 - found only after the line above, as a script
from helpers.node_programs import find_server  # noqa: E402

PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
"""Where programs lie; the last ones are not on the PATH of everybody."""

PACKAGES = {
    "rabbitmq-server": ("rabbitmq-server",),
    "smtp-sink": ("postfix",),  # a mail server of strangers, for faults and figures
    "chromium": ("chromium", "fonts-dejavu-core", "libatomic1"),  # a font, so that texts have a width; see `_is_there`
    "debootstrap": ("debootstrap",),  # a Debian in a folder: for images, and for the development box
    "podman": ("podman",),
    "crun": ("crun",),
    "systemd-analyze": ("systemd",),
    "systemd-nspawn": ("systemd-container",),
    "shellcheck": ("shellcheck",),
    "vagrant": ("vagrant",),
}
"""The programs, each with the packages that it takes."""

SERVICES = ("rabbitmq-server", "postfix")
"""Packages with a service of the same name, which is not wanted; one that was there before is left alone."""


def find(program: str) -> str | None:
    """Give the path of a program, if it is there."""
    return shutil.which(program, path=PLACES)


def get(*programs: str) -> None:
    """Install what is missing of these programs.

    Raises:
        PackageFailure: it cannot be installed.

    """
    packages = [package for program in programs if not _is_there(program) for package in PACKAGES[program]]
    if packages:
        print(f"Installing Debian's {', '.join(packages)}", file=sys.stderr, flush=True)
        apt_install(*packages, services=[name for name in packages if name in SERVICES])


def _is_there(program: str) -> bool:
    if program == "rabbitmq-server":
        return find_server() is not None
    if program == "chromium" and not find_library("atomic"):  # Playwright's driver asks for it
        return False
    return find(program) is not None


def main() -> int:
    """Install them; an error is a sentence."""
    wanted = sys.argv[1:] or list(PACKAGES)
    try:
        get(*wanted)
    except PackageFailure as error:
        print(f"{error}\nThe tests need {', '.join(wanted)}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
