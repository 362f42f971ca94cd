"""Three RabbitMQ nodes on the loopback interface that are one cluster.

They share an Erlang cookie and the epmd of the first: that one may be killed as a broker, but its epmd stays.
"""

import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Self

from helpers import handshake, node_files, node_programs, processes
from helpers.node import Node
from helpers.ports import free_ports

if TYPE_CHECKING:
    import subprocess

PORTS = ("amqp", "management", "distribution", "tls")


class Member:
    """A node beside another one.

    Args:
        folder: where everything of it lies.
        first: the node that it joins.

    """

    def __init__(self, folder: Path, first: Node) -> None:
        folder.mkdir()
        self.folder = folder
        self.name = f"{folder.name}@localhost"
        self._first = first
        self._ports = {**free_ports(PORTS), "epmd": int(first.environment()["ERL_EPMD_PORT"])}
        self._environment = node_files.environment(folder, self.name, self._ports)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def amqp_port(self) -> int:
        return self._ports["amqp"]

    def start(self) -> None:
        """Start it. As it is new, it asks the first node for its cluster and becomes a part of it."""
        first = self._first.environment()["RABBITMQ_NODENAME"]
        nodes = (f"cluster_formation.classic_config.nodes.{n} = {name}" for n, name in enumerate((first, self.name), 1))
        node_files.write(self.folder, self._ports, node_files.Wishes(None, "\n".join(nodes), management=False))
        cookie = self.folder / "home" / ".erlang.cookie"
        if not cookie.exists():
            shutil.copy(self._first.folder / "home" / ".erlang.cookie", cookie)
        self._process = node_programs.spawn(node_programs.server(), self._environment, self.folder)

    def await_ready(self) -> None:
        """Return when a client can log in."""
        url = f"amqp://guest:guest@127.0.0.1:{self.amqp_port}/"
        assert processes.await_that(lambda: handshake.welcomes(url), 90), f"{self.name} did not come up"

    def kill(self) -> None:
        """Kill it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Cluster:
    """Three nodes; a context manager.

    Args:
        folder: where everything of them lies.

    Attributes:
        first, others: the nodes.

    """

    def __init__(self, folder: Path) -> None:
        self.first = Node(folder / "first", management=False)
        self._folder = folder
        self.others: list[Member] = []

    def __enter__(self) -> Self:
        self.first.start()
        try:
            for name in ("second", "third"):  # side by side: it takes half the time
                self.others.append(Member(self._folder / name, self.first))
                self.others[-1].start()
            for member in self.others:
                member.await_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.others:
            member.kill()
        self.first.remove()

    @property
    def ports(self) -> dict[str, int]:
        """Where each of them speaks AMQP, by name."""
        first = self.first.environment()["RABBITMQ_NODENAME"]
        return {first: self.first.amqp_port, **{member.name: member.amqp_port for member in self.others}}

    def leader(self, queue: str) -> str:
        """Name the node that leads a quorum queue."""
        for line in self.first.ctl("-q", "list_queues", "name", "leader").splitlines():
            name, _, leader = line.partition("\t")
            if name == queue:
                return leader.strip()
        raise AssertionError(f"there is no quorum queue {queue}")

    def kill(self, name: str) -> None:
        """Kill the broker of this name at once."""
        for member in self.others:
            if member.name == name:
                member.kill()
                return
        os.kill(int((self.first.folder / "rabbitmq.pid").read_text()), signal.SIGKILL)
