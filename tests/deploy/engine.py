"""An engine for containers, for one test run: Podman with its store in a folder, and Compose that talks to it.

It lives in namespaces of its own (unshare(1)): whatever it mounts and starts is gone with it, however the test ends.
Only the network and the kernel are the machine's.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from helpers.containers import COMPOSE, base, wheels
from helpers.nspawn import NAMESPACES
from helpers.processes import await_that
from helpers.tools import find

ROOT = Path(__file__).resolve().parent.parent.parent

CONFIGURATION = Path(__file__).with_name("containers.conf")

PYTHON = "localhost/python:3.11-slim-bookworm"
"""What the Dockerfile builds on."""

# crun takes control groups of one version or of the other, not of both; the first has what limits are made of, where
# both are there. The shell is process 1 in there, and takes in the ends of all others.
SERVE = 'umount /sys/fs/cgroup/unified 2>/dev/null; "$@" & wait'

# Systemd would run the health checks; where there is none, a test runs them itself.
ENVIRONMENT = {**os.environ, "DISABLE_HC_SYSTEMD": "true", "CONTAINERS_CONF": str(CONFIGURATION)}


class Engine:
    """The engine; a context manager.

    Attributes:
        folder: for its store and all else of it; deleted in the end. Podman takes no long names, as a test's would be.

    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="podman-"))
        self._socket = self.folder / "podman.sock"
        store = [f"--{name}={self.folder / name}" for name in ("root", "runroot", "tmpdir", "network-config-dir")]
        here = ["--cgroup-manager=cgroupfs", "--events-backend=file", "--runtime=crun"]
        self._podman = [find("podman") or "podman", *store, *here]

    def __enter__(self) -> Self:
        serve = [*self._podman, "system", "service", "--time=0", f"unix://{self._socket}"]
        unshare = ["setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES]
        self._holder = subprocess.Popen([*unshare, "sh", "-c", SERVE, "sh", *serve], env=ENVIRONMENT)
        assert await_that(self._socket.exists, 30), "podman does not answer"
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text()
        self._enter = ["nsenter", "--target", children.strip(), "--mount", "--pid"]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.podman("rm", "--all", "--force", "--time=0", check=False)  # their control groups go only so
        self._holder.kill()
        self._holder.wait()
        shutil.rmtree(self.folder)

    def podman(self, *arguments: str, check: bool = True) -> str:
        """Run a command of Podman's; give what it prints."""
        done = self._run(*self._podman, *arguments)
        assert not check or done.returncode == 0, f"podman {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def code(self, *arguments: str) -> int:
        """Run a command of Podman's; give its exit code."""
        return self._run(*self._podman, *arguments).returncode

    def inspect(self, name: str) -> dict[str, Any]:
        """Give what is known of a container or an image."""
        return json.loads(self.podman("inspect", name))[0]

    def codes(self, *names: str) -> list[int]:
        """Give the exit codes of containers that have ended."""
        return [self.inspect(name)["State"]["ExitCode"] for name in names]

    def compose(self, *arguments: str, **environment: str) -> str:
        """Run a command of Compose's against this engine; give what it prints."""
        engine = {"DOCKER_HOST": f"unix://{self._socket}"}
        done = subprocess.run(
            [COMPOSE, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=ENVIRONMENT | engine | environment,
            timeout=180,
        )
        assert done.returncode == 0, f"docker compose {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._enter, *command], capture_output=True, text=True, check=False, env=ENVIRONMENT, cwd="/"
        )

    def logs(self, name: str) -> str:
        """Give what a container wrote, on standard error too."""
        done = self._run(*self._podman, "logs", name)
        return done.stdout + done.stderr


def build(engine: Engine, **images: str) -> None:
    """Build images from the Dockerfile.

    No network is needed: what it builds on is a Debian of this machine's making, and pip finds what it needs in a
    folder that only the build sees.

    Args:
        engine: where.
        images: for each stage of the Dockerfile the name that its image gets.

    """
    engine.podman("import", str(base()), PYTHON)
    conf = engine.folder / "pip.conf"
    conf.write_text("[global]\nno-index = true\nfind-links = /wheelhouse\n")
    folder = ROOT / "deploy" / "container"
    options = ["--pull=never", "--format=docker", "--network=none", "--layers"]
    options += ["--volume", f"{wheels()}:/wheelhouse:ro", "--volume", f"{conf}:/etc/pip.conf:ro"]
    options += ["--file", str(folder / "Dockerfile"), "--ignorefile", str(folder / "Dockerfile.dockerignore")]
    for stage, image in images.items():
        engine.podman("build", *options, "--target", stage, "--tag", f"localhost/{image}", str(ROOT))
