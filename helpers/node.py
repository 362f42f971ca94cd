"""A RabbitMQ node of our own: private in everything, gone without a trace, or killed and started again on its data.

    with Node(folder) as node:
        connect(node.url)

Private means: its own name, ports, configuration, plugins, logs, data, Erlang cookie, and its own epmd (Erlang's
directory of nodes, which would otherwise be started once for the machine and stay for ever). Everything listens on the
loopback interface only. Three processes belong to a node:

    this program ─┬─ beam.smp   the broker
                  ├─ epmd       in the foreground, so that it can be ended
                  └─ guard      this file again: ends the other two when this program dies, however it dies

Everything that has to be known about a node lies in `node.json` in its folder: its ports, and the processes that run.
Whoever opens a folder in which something still runs ends that first, after checking that it is the same process.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers import handshake, node_files, node_programs, processes  # noqa: E402 - found only after the line above, when run as a script
from helpers.node_notes import Notes  # noqa: E402
from helpers.node_programs import NodeFailure  # noqa: E402
from helpers.ports import free_ports, is_free, is_listening  # noqa: E402

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

USUAL = {"amqp": 5672, "management": 15672, "distribution": 25672, "tls": 5671}
MENTIONED = 10

RACES = ("eaddrinuse", "epmd could not", "no_epmd_port")
"""What a failure speaks of when somebody else was quicker to take a port, who may have let go of it again since."""


class Node:
    """A private RabbitMQ node with its data in a folder.

    Attributes:
        folder: where everything of it lies; may exist from an earlier run, may have a space in its path.
        amqp_port: plain AMQP.
        management_port: the management page and its HTTP interface.
        tls_port: AMQP over TLS; `None` without `tls`.

    """

    def __init__(
        self,
        folder: Path,
        *,
        tls: dict[str, Any] | None = None,
        extra_config: str = "",
        management: bool = True,
        usual_ports: bool = False,
    ) -> None:
        """Prepare a node; nothing runs yet.

        Args:
            folder: made when missing. The same folder again is the same node: its messages, its ports where still free.
            tls: paths of PEM files, `ca`, `cert` and `key`: the node then listens for TLS as well.
            extra_config: lines for `rabbitmq.conf`, but for the name of the cluster; they win over ours.
            management: without its page a node stops in one second instead of six.
            usual_ports: take 5672, 15672 … where they are free.

        """
        self.folder = folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._notes = Notes(self.folder)
        self._wishes = node_files.Wishes(tls, extra_config, management)
        self._broker: subprocess.Popen | None = None
        self._epmd: subprocess.Popen | None = None
        self._guard: subprocess.Popen | None = None
        self._name = self._notes.name or f"dispatcher-{secrets.token_hex(4)}@localhost"
        self._ports = self._choose_ports(USUAL if usual_ports else {})
        self._tell_ports()

    @property
    def url(self) -> str:
        """Where it speaks AMQP, with its login."""
        return f"amqp://guest:guest@127.0.0.1:{self.amqp_port}/"

    @property
    def management_url(self) -> str:
        """The management page; its HTTP interface is below `/api/`. Login `guest`, password `guest`."""
        return f"http://127.0.0.1:{self.management_port}/"

    @property
    def version(self) -> tuple[int, ...]:
        """Which RabbitMQ it is, as it says itself, `(3, 10, 8)`; it has to run."""
        return handshake.version(self.url)

    @property
    def running(self) -> bool:
        """Whether the broker's process runs, started by this program or by an earlier one."""
        return "broker" in self._notes.running()

    def start(self, timeout: float = 60.0, *, keep: bool = False) -> None:
        """Start it, on the data and ports it had before; return when a client can log in.

        Args:
            timeout: seconds until this is given up.
            keep: leave it running when this program ends. Otherwise it ends too, even when this program is killed.

        Raises:
            NodeFailure: no RabbitMQ on this machine, or it did not come up.

        """
        if self._broker is not None and self._broker.poll() is None:
            return
        self._end_leftovers()
        try:
            self._start(timeout, keep=keep)
        except NodeFailure as error:
            said = f"{error}{self.log_tail(1000)}"
            if all(map(is_free, self._ports.values())) and not any(sign in said for sign in RACES):
                raise
            # Between the choice of a port and the moment it is taken are seconds: somebody else was quicker.
            self._ports = free_ports(self._ports)
            self._tell_ports()
            self._start(timeout, keep=keep)

    def _start(self, timeout: float, *, keep: bool) -> None:
        try:
            self._launch(keep=keep)
            self._await_ready(timeout)
        except BaseException:  # Ctrl-C too: nothing may stay behind
            self.kill()
            raise

    def stop(self) -> None:
        """End it in good order, data kept; whatever runs in its folder, whoever started it."""
        self._end_leftovers()

    def kill(self) -> None:
        """Kill it at once, like a power cut; the data stays."""
        self._end_leftovers(at_once=True)

    def remove(self) -> None:
        """Stop it and delete its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        """Give the environment in which RabbitMQ's own programs mean this node."""
        return node_files.environment(self.folder, self._name, self._ports)

    def ctl(self, *command: str) -> str:
        """Run `rabbitmqctl` on it; give what that says.

        Raises:
            NodeFailure: it did not work.

        """
        program = node_programs.control(*command)
        done = subprocess.run(
            program, env=self.environment(), capture_output=True, text=True, encoding="utf-8", check=False
        )
        if done.returncode != 0:
            raise NodeFailure(f"rabbitmqctl {' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def log_tail(self, lines: int = 30) -> str:
        """Give the last lines of what it wrote, for whoever has to find out why."""
        paths = [self.folder / "log" / "output.txt", *sorted((self.folder / "log").glob("*.log"))]
        texts = [path.read_text(errors="replace") for path in paths if path.is_file()]
        return "\n".join("\n".join(text.splitlines()[-lines:]) for text in texts if text)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _launch(self, *, keep: bool) -> None:
        server = node_programs.server()
        epmd = node_programs.epmd("-port", str(self._ports["epmd"]), "-address", "127.0.0.1")
        node_files.write(self.folder, self._ports, self._wishes)
        (self.folder / "log" / "output.txt").unlink(missing_ok=True)
        environment = self.environment()
        if not keep:
            self._guard = node_programs.spawn(
                [sys.executable, "-IS", __file__, str(self.folder)], dict(os.environ), self.folder, held=True
            )
        self._epmd = node_programs.spawn(epmd, environment, self.folder)
        self._note()
        # Only then: a broker that finds none may start one, as a daemon for the whole machine.
        processes.await_that(lambda: is_listening(self._ports["epmd"]) or self._epmd.poll() is not None, 10)
        self._broker = node_programs.spawn(server, environment, self.folder)
        self._note()

    def _await_ready(self, timeout: float) -> None:
        def ready_or_dead() -> bool:
            return self._broker.poll() is not None or self._epmd.poll() is not None or self._answers()

        if not processes.await_that(ready_or_dead, timeout):
            raise NodeFailure(f"RabbitMQ did not come up within {timeout:g} seconds.\n{self._complaints()}")
        if self._epmd.poll() is not None:  # another node's has the port, and would end with that one
            raise NodeFailure(f"epmd could not take the port {self._ports['epmd']}.")
        if self._broker.poll() is not None:
            raise NodeFailure(f"RabbitMQ ended while it was starting.\n{self._complaints()}")

    def _complaints(self) -> str:
        """Give what it named as errors, the cause first: a crash of Erlang buries it under pages of consequences."""
        errors = [line.partition("[error]")[2] for line in self.log_tail(1000).splitlines() if "[error]" in line]
        return "\n".join(errors[:MENTIONED]) or self.log_tail()

    def _answers(self) -> bool:
        return handshake.welcomes(self.url, node=self._name.partition("@")[0]) and self._listens_everywhere()

    def _listens_everywhere(self) -> bool:
        awaited = [self.management_port] if self._wishes.management else []
        return all(map(is_listening, [*awaited, *filter(None, [self.tls_port])]))

    def _end_leftovers(self, *, at_once: bool = False) -> None:
        running = self._notes.running()
        for name in ("broker", "epmd"):  # in this order: the broker says goodbye to its epmd
            if name in running:
                running[name].end(at_once=at_once)
        for child in (self._broker, self._epmd):
            if child is not None:
                processes.end(child)
        self._broker = self._epmd = None
        self._note()
        if self._guard is not None:
            self._guard.stdin.close()
            self._guard.wait()
            self._guard = None

    def _note(self) -> None:
        self._notes.write(self._name, self._ports, {"broker": self._broker, "epmd": self._epmd})

    def _tell_ports(self) -> None:
        self.amqp_port: int = self._ports["amqp"]
        self.management_port: int = self._ports["management"]
        self.tls_port: int | None = self._ports["tls"] if self._wishes.tls else None

    def _choose_ports(self, preferred: dict[str, int]) -> dict[str, int]:
        noted = self._notes.ports
        if noted and self._notes.running():
            return noted
        return free_ports((*USUAL, "epmd"), {**preferred, **noted})


def guard(folder: Path) -> None:
    """Wait until the program that started a node is gone; end what it left running."""
    sys.stdin.read()  # the other end is held by that program alone: end of file means that it ended, or told us to
    if folder.exists():
        Node(folder).kill()


if __name__ == "__main__":
    guard(Path(sys.argv[1]))
