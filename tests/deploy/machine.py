"""A machine on which systemd runs: this one's /usr, an empty rest, and Dispatcher where docs/deployment has it.

systemd-nspawn(1) starts it, on the network of this machine, so that it reaches what a test has started. Nothing but the
log and what a test starts runs in it.
"""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from helpers import nspawn
from helpers.processes import await_that
from tests.deploy.unit import FOLDER, ROOT, UNIT

PASSWD = """root:x:0:0::/root:/bin/sh
dispatcher:x:500:500::/var/lib/dispatcher:/usr/sbin/nologin
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
"""
GROUP = "root:x:0:\ndispatcher:x:500:\nadm:x:4:\nsystemd-journal:x:999:\nnogroup:x:65534:\n"
TARGET = "[Unit]\nRequires=systemd-journald.service\nAfter=systemd-journald.service\n"

PROGRAM = """#!/opt/dispatcher/venv/bin/python
import sys
sys.path.insert(0, "/opt/dispatcher/checkout")
from dispatcher.main import main
main()
"""


class Machine:
    """The machine.

    Args:
        root: its folder, made here.

    Attributes:
        root: likewise.
        configuration: its /etc/dispatcher.

    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.configuration = root / "etc" / "dispatcher"
        self._log = root.with_suffix(".log")
        self._machine: subprocess.Popen[bytes] | None = None

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file in there."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def drop_in(self, name: str, *lines: str) -> None:
        """Write a drop-in for the service."""
        self.write(f"etc/systemd/system/dispatcher.service.d/{name}.conf", "\n".join(["[Service]", *lines, ""]))

    def make(self) -> None:
        """Put in there what docs/deployment/systemd.md says."""
        self.root.mkdir()
        for name in ("bin", "sbin", "lib", "lib64"):
            self.root.joinpath(name).symlink_to(f"usr/{name}")
        for name in ("usr", "proc", "sys", "dev", "run", "tmp", "var", "root", "opt/dispatcher/checkout"):
            self.root.joinpath(name).mkdir(parents=True)
        files = {"passwd": PASSWD, "group": GROUP, "machine-id": "uninitialized\n", "hosts": "127.0.0.1 localhost\n"}
        for name, text in files.items():
            self.write(f"etc/{name}", text)
        shutil.copy("/etc/os-release", self.root / "etc")
        self.write("etc/systemd/system/tests.target", TARGET)
        shutil.copy(UNIT, self.root / "etc/systemd/system")
        self.drop_in("python", "Environment=LD_LIBRARY_PATH=/opt/python/lib")
        venv = self.root / "opt/dispatcher/venv"
        venv.joinpath("bin").mkdir(parents=True)
        Path(venv, *self._libraries.relative_to(sys.prefix).parts).mkdir(parents=True)
        venv.joinpath("pyvenv.cfg").write_text(f"home = {self._python.parent}\n")
        venv.joinpath("bin/python").symlink_to(self._python)
        self.write("opt/dispatcher/venv/bin/dispatcher", PROGRAM, 0o755)
        shutil.copytree(ROOT / "templates", self.configuration / "templates")
        self.configuration.joinpath("secrets").mkdir(mode=0o700)
        shutil.copy(FOLDER / "dispatcher.yml", self.configuration)

    @property
    def _libraries(self) -> Path:
        return Path(sysconfig.get_path("purelib"))

    @property
    def _python(self) -> Path:
        """Where Python is in there: some are below a home, which the unit hides."""
        binary = Path(sys.executable).resolve()
        return binary if binary.is_relative_to("/usr") else Path("/opt/python/bin", binary.name)

    def _bound(self) -> dict[str, str]:
        bound = {
            "/usr": "/usr",
            str(ROOT / "dispatcher"): "/opt/dispatcher/checkout/dispatcher",
            str(self._libraries): f"/opt/dispatcher/venv/{self._libraries.relative_to(sys.prefix)}",
        }
        if not self._python.is_relative_to("/usr"):
            bound[sys.base_prefix] = "/opt/python"
        return bound

    def correct(self, changes: dict[str, str]) -> None:
        """Change the example configuration, as whoever follows the page does."""
        file = self.configuration / "dispatcher.yml"
        text = file.read_text()
        for there, here in changes.items():
            assert there in text
            text = text.replace(there, here)
        file.write_text(text)

    def start(self) -> None:
        """Start it; return when systemd is up."""
        bound = [f"--bind-ro={here}:{there}" for here, there in self._bound().items()]
        command = nspawn.command(self.root, "--boot", *bound, "--", "--unit=tests.target")
        with self._log.open("w") as log:
            machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._machine = machine
        assert await_that(lambda: machine.poll() is not None or self._is_up(), 60), self._log.read_text()
        assert machine.poll() is None, self._log.read_text()

    def stop(self) -> None:
        """End it at once: it is thrown away."""
        if self._machine is not None:
            self._machine.kill()
            self._machine.wait()
            nspawn.forget(self.root)

    def run(self, *command: str) -> str:
        """Run a command in there, as root; give what it says."""
        done = self._run(*command)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        assert self._machine is not None
        within = nspawn.command_within(self._machine, command)
        return subprocess.run(within, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)

    def show(self, name: str) -> str:
        """Give what systemd says about the service."""
        return self.run("systemctl", "show", "--property", name, "--value", "dispatcher").strip()

    def _is_up(self) -> bool:
        try:
            return self._run("systemctl", "is-active", "tests.target").stdout.strip() == "active"
        except (OSError, ValueError):  # its first process is still being made
            return False
