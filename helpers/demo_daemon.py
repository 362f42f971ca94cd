"""The daemon of the demonstration: run as its operator would, with settings that lead nowhere but to the sandbox."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers import processes, rabbitmq
from helpers.demo_queues import LADDER
from helpers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from helpers.sandbox import Sandbox

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / ".run" / "dispatcher.log"
HEALTH = 8070
PATIENCE = 60.0


class DemoFailure(Exception):
    """It did not work; the text says what is missing."""


class Daemon:
    """A daemon that runs, and what it says.

    Attributes:
        process: the program.

    """

    def __init__(self, process: subprocess.Popen, log_start: int) -> None:
        """Remember where its log begins."""
        self.process = process
        self._log_start = log_start

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self.process.poll() is not None

    def await_ready(self) -> None:
        """Wait until it says that it serves; raise `DemoFailure` where it does not."""
        up = processes.await_that(lambda: self.ended or any(line["event"] == "ready" for line in self.log()), PATIENCE)
        if self.ended:
            raise DemoFailure("The daemon ended while it was starting.")
        if not up:
            raise DemoFailure(f"The daemon was not ready within {PATIENCE:g} seconds.")

    def settled(self) -> dict[str, list[dict[str, Any]]]:
        """Give the lines about what became of messages, by their ids, in order."""
        found: dict[str, list[dict[str, Any]]] = {}
        for line in self.log():
            if line["event"] == "settled":
                found.setdefault(line["id"], []).append(line)
        return found

    def log(self) -> list[dict[str, Any]]:
        """Give the lines of its log; what stood in the file before does not count."""
        with LOG.open("rb") as file:
            file.seek(self._log_start)
            return [line for raw in file if (line := _read(raw))]


@contextlib.contextmanager
def running(url: str, sandbox: Sandbox) -> Iterator[Daemon]:
    """Run the daemon with settings of our own: nothing of a demonstration may leave this machine."""
    LOG.parent.mkdir(exist_ok=True)
    configuration = configuration_of(sandbox)
    configuration.write_text(json.dumps(settings(sandbox)))  # JSON is YAML
    # Certificates and the like belong to the broker that was configured, and to no other.
    kept = "DISPATCHER_BROKERS__" if url == os.environ.get(rabbitmq.VARIABLE) else None
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("DISPATCHER_") or (kept and name.upper().startswith(kept))
    }
    environment = {**inherited, rabbitmq.VARIABLE: url, "DISPATCHER_CONFIG_FILE": str(configuration)}
    command = [sys.executable, str(ROOT / "dispatcher" / "main.py"), "run"]
    with LOG.open("a") as log:
        log_start = log.tell()
        # In a session of its own: Ctrl-C is for us, and we end it in order.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield Daemon(process, log_start)
    finally:
        processes.end(process)
        configuration.unlink(missing_ok=True)


def configuration_of(sandbox: Sandbox) -> Path:
    """Give where the daemon's settings are while it runs, apart from those of another demonstration."""
    return LOG.parent / f"demo-{sandbox.smtp_port}.yml"


def health_of(sandbox: Sandbox) -> str:
    """Give where the daemon that runs tells how it is doing."""
    port = json.loads(configuration_of(sandbox).read_text())["service"]["health"]["port"]
    return f"http://127.0.0.1:{port}/"


def settings(sandbox: Sandbox) -> dict[str, Any]:
    """Give the configuration of a daemon that sends to the sandbox."""
    return {
        "service": {
            "retry": {"ladder": list(LADDER)},
            "journal": {"path": str(LOG.parent / "journal")},
            "health": {"port": free_port(HEALTH)},
        },
        "notifiers": {
            "email": {"host": "127.0.0.1", "port": sandbox.smtp_port, "tls": "none"},
            "telegram": {"token": "1234567:demo", "api_url": sandbox.telegram_url},
            "slack": {
                "token": "xoxb-demo",
                "api_url": sandbox.slack_url,
                "webhooks": {"alerts": f"{sandbox.webhook_url}alerts"},
            },
        },
    }


def log_tail(lines: int = 20) -> str:
    """Give the last lines of the log."""
    return "\n".join(LOG.read_text(errors="replace").splitlines()[-lines:]) if LOG.exists() else ""


def _read(raw: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) and "event" in line else None
