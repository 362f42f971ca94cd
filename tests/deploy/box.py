"""A machine of our own that provision.sh makes a development box of: a bare Debian in a folder."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from helpers import bare_debian, nspawn, processes

PROVISION = ("bash", "/vagrant/vagrant/provision.sh")
PYTHON = "/opt/dispatcher/venv/bin/python"
FLEETING = {"dev", "proc", "run", "sys", "tmp"}
"""What is another one each time, in the root."""


class Box:
    """A root, and the machine that was started in it.

    Attributes:
        root: its folder out here.

    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._machine: subprocess.Popen[str] | None = None

    def provision(self) -> str:
        """Run provision.sh in it before it is started, on the network out here; give what it said."""
        return self._run(bare_debian.command_in(self.root, PROVISION))

    def files(self) -> dict[Path, tuple[int, int, int]]:
        """Give mode, size and time of change of all that lies in it."""
        found = {}
        for folder, folders, names in os.walk(self.root):
            if Path(folder) == self.root:
                folders[:] = [name for name in folders if name not in FLEETING]
            for name in folders + names:
                about = Path(folder, name).lstat()
                found[Path(folder, name)] = (about.st_mode, about.st_size, about.st_mtime_ns)
        return found

    def start(self, log: Path) -> None:
        """Start it; return when systemd has started everything, or what failed is known."""
        with log.open("w") as output:
            self._machine = subprocess.Popen(
                bare_debian.start_command(self.root), stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True
            )
        assert processes.await_that(lambda: self._machine.poll() is not None or self._is_up(), 300), log.read_text()
        assert self._machine.poll() is None, log.read_text()

    def stop(self) -> None:
        """End it at once: it is thrown away."""
        if self._machine is not None:
            self._machine.kill()
            self._machine.wait()

    def run(self, *command: str) -> str:
        """Run a command in the machine, as root; give what it says."""
        return self._run(nspawn.command_within(self._machine, command))

    def get(self, url: str, *options: str) -> str:
        """Ask a page in the machine."""
        return self.run("curl", "--silent", "--show-error", *options, url)

    def mails(self, to: str) -> list[dict[str, Any]]:
        """Give the mails to somebody, oldest first, as MailHog's API shows them."""
        return json.loads(self.get(f"http://127.0.0.1:8025/api/v2/search?kind=to&query={to}"))["items"][::-1]

    def _is_up(self) -> bool:
        try:
            asked = nspawn.command_within(self._machine, ["systemctl", "is-system-running"])
        except ValueError:  # its first process is still being made
            return False
        said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
        return said in {"running", "degraded"}

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
        return done.stdout
