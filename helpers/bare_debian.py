"""A bare Debian in a folder, as a new machine: scripts that set one up run in it, and it can be started.

    sudo python3 helpers/bare_debian.py make FOLDER           debootstrap; this checkout is /vagrant in there
    sudo python3 helpers/bare_debian.py run FOLDER COMMAND…   in there, as root
    sudo python3 helpers/bare_debian.py start FOLDER          systemd starts what is installed, until Ctrl-C
    sudo python3 helpers/bare_debian.py remove FOLDER

`run` and `start` are systemd-nspawn(1), which wants no systemd out here: what runs in there, and what is mounted for
it, ends with it, however it ends. A machine that is started has a network of its own that leads nowhere, so it may take
any port. apt and pip fetch from where they do out here.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers import package_sources, processes, tools  # noqa: E402 - found only after the line above, as a script
from helpers.debian import PackageFailure  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

SUITE = "bookworm"
NAME = "appserver"
IN_IT = ("systemd", "systemd-sysv")
"""What every machine has besides debootstrap's smallest variant."""

CHECKOUT = "vagrant"

NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
GROUPS = "mount -t cgroup2 cgroup2 /sys/fs/cgroup"
NSPAWN = f"""
# systemd learns by control groups of version 2 that processes have ended, whatever is used out here.
{GROUPS}
mkdir -p /sys/fs/cgroup/$1 /run/systemd/nspawn
echo 0 > /sys/fs/cgroup/$1/cgroup.procs
shift
# Where /run is a disk, it would rather not clean up.
mount -t tmpfs tmpfs /run/systemd/nspawn
systemd-nspawn "$@" || exit $?
"""
"""For `sh -e` in these namespaces: the name of a control group for it alone, and what systemd-nspawn is told."""


class NoBareDebian(Exception):
    """It cannot be made; the text says why."""


def make(folder: Path) -> None:
    """Put a bare Debian into a folder; this needs root.

    Raises:
        NoBareDebian: debootstrap failed; the text has its last lines.
        PackageFailure: debootstrap cannot be had.

    """
    tools.get("debootstrap", "systemd-nspawn")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # it is the root of people who are not root
    package_sources.write(folder / "etc/dpkg/dpkg.cfg.d/quick", _dpkg())
    package_sources.write(folder / "etc/apt/apt.conf.d/99out-here", package_sources.apt_settings())
    sources = package_sources.debian(SUITE)
    mirror = [sources[0].split()[1]] if sources else []  # else debootstrap knows one
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(IN_IT)}", SUITE, folder, *mirror]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise NoBareDebian(f"{last}\ndebootstrap could not make {folder}; the lines above say why.")
    if sources:
        (folder / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
    (folder / "etc/hostname").write_text(f"{NAME}\n")
    (folder / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {NAME}.test {NAME}\n")
    package_sources.tell_pip(folder)
    _copy_checkout(folder / CHECKOUT)


def command_in(folder: Path, command: Sequence[str]) -> list[str]:
    """Give the command that runs a command in there, on the network out here."""
    proxies = [f"--setenv={name}" for name in os.environ if name.lower().endswith("_proxy")]
    return [*_nspawn(folder), "--as-pid2", *proxies, *command]


def start_command(folder: Path) -> list[str]:
    """Give the command that starts the machine, and ends when it is stopped."""
    return [*_nspawn(folder), "--boot", "--private-network"]


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


def remove(folder: Path) -> None:
    """Delete it; nothing may run in it any more."""
    if folder.exists():
        shutil.rmtree(folder)
    groups = f'{GROUPS}; [ ! -e "$0" ] || find "$0" -depth -type d -exec rmdir {{}} +'
    subprocess.run(["unshare", "--mount", "sh", "-ec", groups, f"/sys/fs/cgroup/{_group(folder)}"], check=False)
    folder.with_name(f".#{folder.name}.lck").unlink(missing_ok=True)  # systemd-nspawn's


def _nspawn(folder: Path) -> list[str]:
    options = ["--quiet", f"--directory={folder}", f"--hostname={NAME}", "--console=pipe"]
    without_systemd = ["--register=no", "--keep-unit"]
    bound = [f"--bind-ro={place}" for place in package_sources.pip_folders(folder)]
    # Who kills it kills all that runs in there, which systemd-nspawn alone would leave running.
    before = ["setpriv", "--pdeathsig=KILL", "unshare", *NAMESPACES, "sh", "-ec", NSPAWN, "sh", _group(folder)]
    return [*before, *options, *without_systemd, *bound]


def _group(folder: Path) -> str:
    return f"machine-{folder.parent.name}-{folder.name}"


def _dpkg() -> str:
    """Nobody needs this disk after a power cut, or reads its manuals."""
    left_out = (f"path-exclude=/usr/share/{name}/*" for name in ("doc", "info", "locale", "man"))
    return "\n".join(["force-unsafe-io", *left_out]) + "\n"


def _copy_checkout(target: Path) -> None:
    """Copy what git knows of, or would know of: no virtual environment, nothing that was built."""
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard"]
    names = subprocess.run(git, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in names:
        if (ROOT / name).is_file():  # what was deleted is still known
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def _start(folder: Path) -> int:
    """Start the machine for a person; say how to get in."""
    with subprocess.Popen(start_command(folder), stdin=subprocess.DEVNULL) as machine:
        try:
            processes.await_that(lambda: machine.poll() is not None or _has_begun(machine), 30)
            print("It starts. A shell in it:", shlex.join(command_within(machine, ["bash"])), flush=True)
            return machine.wait()
        except (KeyboardInterrupt, ValueError):
            machine.kill()
            return 1


def _has_begun(machine: subprocess.Popen) -> bool:
    with contextlib.suppress(ValueError):
        return bool(first_process(machine))
    return False


def main(arguments: list[str]) -> int:
    """Do what the command line says; an error is a sentence."""
    what, *rest = arguments or ["what?"]
    folder, command = Path(rest[0] if rest else "").absolute(), rest[1:]
    try:
        if what == "run":
            return subprocess.run(command_in(folder, command), check=False).returncode
        if what == "start":
            return _start(folder)
        {"make": make, "remove": remove}[what](folder)
    except (NoBareDebian, PackageFailure) as error:
        print(error, file=sys.stderr)
        return 2
    except (KeyError, OSError) as error:
        print(f"{error}: see the first lines of {__file__} for how it is used.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
