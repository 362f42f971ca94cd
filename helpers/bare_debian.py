"""A bare Debian in a folder, as a new machine: scripts that set one up run in it, and it can be started.

    sudo python3 helpers/bare_debian.py make FOLDER           debootstrap; this checkout is /vagrant in there
    sudo python3 helpers/bare_debian.py run FOLDER COMMAND…   in there, as root
    sudo python3 helpers/bare_debian.py start FOLDER          systemd starts what is installed, until Ctrl-C
    sudo python3 helpers/bare_debian.py remove FOLDER

`run` and `start` are systemd-nspawn(1) (`helpers/nspawn.py`). A machine that is started has a network of its own that
leads nowhere, so it may take any port. apt and pip fetch from where they do out here.
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

from helpers import nspawn, package_sources, processes, tools  # noqa: E402 - found only after the line above, as a script
from helpers.debian import PackageFailure  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

SUITE = "bookworm"
NAME = "appserver"
IN_IT = ("systemd", "systemd-sysv")
"""What every machine has besides debootstrap's smallest variant."""

CHECKOUT = "vagrant"


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
    package_sources.write(folder / "etc/apt/apt.conf.d/99out-here", package_sources.apt_settings())
    debootstrap(folder, *IN_IT)
    if sources := package_sources.debian(SUITE):
        (folder / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
    (folder / "etc/hostname").write_text(f"{NAME}\n")
    (folder / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {NAME}.test {NAME}\n")
    package_sources.tell_pip(folder)
    _copy_checkout(folder / CHECKOUT)


def debootstrap(folder: Path, *packages: str) -> None:
    """Put the smallest variant of Debian 12 and some packages into a folder; this needs root.

    Raises:
        NoBareDebian: it failed; the text has its last lines.

    """
    package_sources.write(folder / "etc/dpkg/dpkg.cfg.d/quick", _dpkg())
    mirror = [line.split()[1] for line in package_sources.debian(SUITE)[:1]]  # without one, debootstrap knows one
    program = tools.find("debootstrap") or "debootstrap"
    command = [program, "--variant=minbase", f"--include={','.join(packages)}", SUITE, folder, *mirror]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise NoBareDebian(f"{last}\ndebootstrap could not make {folder}; the lines above say why.")


def command_in(folder: Path, command: Sequence[str]) -> list[str]:
    """Give the command that runs a command in there, on the network out here."""
    proxies = [f"--setenv={name}" for name in os.environ if name.lower().endswith("_proxy")]
    return [*_nspawn(folder), "--as-pid2", *proxies, *command]


def start_command(folder: Path) -> list[str]:
    """Give the command that starts the machine, and ends when it is stopped."""
    return [*_nspawn(folder), "--boot", "--private-network"]


def remove(folder: Path) -> None:
    """Delete it; nothing may run in it any more."""
    if folder.exists():
        shutil.rmtree(folder)
    nspawn.forget(folder)


def _nspawn(folder: Path) -> list[str]:
    bound = [f"--bind-ro={place}" for place in package_sources.pip_folders(folder)]
    return nspawn.command(folder, f"--hostname={NAME}", *bound)


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
            print("It starts. A shell in it:", shlex.join(nspawn.command_within(machine, ["bash"])), flush=True)
            return machine.wait()
        except (KeyboardInterrupt, ValueError):
            machine.kill()
            return 1


def _has_begun(machine: subprocess.Popen) -> bool:
    with contextlib.suppress(ValueError):
        return bool(nspawn.first_process(machine))
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
