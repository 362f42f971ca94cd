"""Get Debian packages, quietly, as root or through sudo."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# $1 are services that must not start with their packages, or nothing; the rest are the packages. invoke-rc.d, and what
# systemd has in its place, ask `policy-rc.d` first, so that nothing is started that would have to be stopped again.
SCRIPT = """
set -e
services=$1; shift
policy=/usr/sbin/policy-rc.d
if [ -n "$services" ] && [ ! -e $policy ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\\nexit 101\\n' > $policy
    chmod 755 $policy
fi
export DEBIAN_FRONTEND=noninteractive
apt="apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300"
$apt update
$apt install -y --no-install-recommends "$@"
if [ -d /run/systemd/system ]; then for one in $services; do systemctl --quiet disable "$one" || true; done; fi
"""


class PackageFailure(Exception):
    """A package cannot be had; the text says what to do."""


def apt_install(*packages: str, services: Sequence[str] = ()) -> None:
    """Install Debian packages.

    Args:
        packages: their names.
        services: what comes with them and is neither to be started nor to come up with the machine.

    Raises:
        PackageFailure: there is no apt here, no right to use it, or it failed.

    """
    names = " ".join(packages)
    sudo = [] if os.geteuid() == 0 else ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]
    if shutil.which("apt-get") is None or (sudo and shutil.which("sudo") is None):
        raise PackageFailure(f"Please install {names}: this needs apt-get, and root or sudo.")
    # What it prints is of interest only where it fails; sudo asks for a password on the terminal itself.
    command = [*sudo, "sh", "-c", SCRIPT, "sh", " ".join(services), *packages]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise PackageFailure(f"{last}\napt-get could not install {names}; the lines above say why.")
