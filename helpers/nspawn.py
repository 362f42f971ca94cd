"""systemd-nspawn(1) on a folder, where no systemd runs: what is started and mounted for it ends with it.

However it ends: who kills it kills all that runs in there, which systemd-nspawn alone would leave running.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""For unshare(1): all that is started and mounted in them ends with it."""

GROUPS = "mount -t cgroup2 cgroup2 /sys/fs/cgroup; cd /sys/fs/cgroup; group=$1; shift"
"""systemd learns by control groups of version 2 that processes have ended, whatever is used out here."""

NSPAWN = f"""
{GROUPS}
mkdir -p $group /run/systemd/nspawn
echo 0 > $group/cgroup.procs
# Where /run is a disk, it would rather not clean up.
mount -t tmpfs tmpfs /run/systemd/nspawn
UNIFIED_CGROUP_HIERARCHY=1 systemd-nspawn "$@" || exit $?
"""
"""For `sh -e` in these namespaces: the name of a control group for it alone, and what systemd-nspawn is told."""

FORGET = f"""
{GROUPS}
for try in $(seq 100); do
    [ -e $group ] || break
    find $group -depth -type d -exec rmdir {{}} + 2>/dev/null || sleep 0.1
done
"""


def command(root: Path, *options: str) -> list[str]:
    """Give the command that starts it on a folder."""
    usual = ["--quiet", f"--directory={root}", "--console=pipe", "--register=no", "--keep-unit"]
    before = ["setpriv", "--pdeathsig=KILL", "unshare", *NAMESPACES, "sh", "-ec", NSPAWN, "sh", _group(root)]
    return [*before, *usual, *options]


def command_within(machine: subprocess.Popen, command: Sequence[str]) -> list[str]:
    """Give the command that runs a command in a machine that was started.

    Raises:
        ValueError: it has not come so far.

    """
    return ["nsenter", f"--target={first_process(machine)}", "--all", "--root", "--wd=/", *command]


def first_process(machine: subprocess.Popen) -> int:
    """Give the id out here of its systemd.

    Raises:
        ValueError: systemd-nspawn is still making it.

    """
    pid = machine.pid
    for _ in ("sh", "systemd-nspawn", "systemd"):
        (pid,) = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return pid


def forget(root: Path) -> None:
    """Leave nothing behind of what was started on a folder; nothing may run in it any more."""
    subprocess.run(["unshare", "--mount", "sh", "-ec", FORGET, "sh", _group(root)], check=False)
    root.with_name(f".#{root.name}.lck").unlink(missing_ok=True)  # systemd-nspawn's


def _group(root: Path) -> str:
    return f"machine-{hashlib.sha256(os.fsencode(root.absolute())).hexdigest()[:12]}"
