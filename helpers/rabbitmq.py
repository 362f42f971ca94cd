"""Find a RabbitMQ, or get one, on whatever machine this is; with nothing but Python.

    python3 helpers/rabbitmq.py up [--own] [--print-url]    find or start one, and leave it running
    python3 helpers/rabbitmq.py down                        stop what `up` started
    python3 helpers/rabbitmq.py url                         print where it is
    python3 helpers/rabbitmq.py install                     see to it that there is a rabbitmq-server here

It looks in this order, and takes the first that works:

    1. the configured URL (DISPATCHER_BROKERS__RABBITMQ__URL, or localhost) answers: that one, left as it is
    2. a Docker engine runs: the official image, as `compose.yml` says
    3. a rabbitmq-server lies on this machine: a private node with its data in `.run/rabbitmq`
    4. apt-get can install it, as root or through sudo: the same; the service of the package is not started
    5. one sentence that says what to do
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers import handshake, tools  # noqa: E402 - found only after the line above, when run as a script
from helpers.debian import PackageFailure  # noqa: E402
from helpers.node import USUAL, Node  # noqa: E402
from helpers.node_programs import NodeFailure, find_server  # noqa: E402
from helpers.ports import free_port  # noqa: E402
from helpers.processes import await_that  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VARIABLE = "DISPATCHER_BROKERS__RABBITMQ__URL"
DEFAULT_URL = "amqp://guest:guest@localhost:5672/"
RUN = ROOT / ".run"
NOWHERE = (
    f"There is no RabbitMQ here and none can be installed: start one and set {VARIABLE}, "
    "start Docker, or install rabbitmq-server."
)


class NoBroker(Exception):
    """There is none and none can be had; the text says what to do."""


@dataclass(frozen=True)
class Broker:
    """A RabbitMQ that answers.

    Attributes:
        url: where, with its login.
        origin: where it comes from, in a few words.
        management_url: its management page, where it has one.
        release: ends it if we started it; leaves it alone otherwise.
        started: whether we did, just now.

    """

    url: str
    origin: str
    management_url: str | None = None
    release: Callable[[], object] = lambda: None
    started: bool = False


def find(*, own: bool = False, keep: bool = False) -> Broker:
    """Find or start a broker.

    Args:
        own: start a private node even where another broker could be used.
        keep: leave what was started running when this program ends, until `down`.

    Raises:
        NoBroker: there is none.

    """
    found = None if own else configured() or in_docker()
    if found is None and ensure_server() and not own:
        found = configured()  # a package just installed may have brought a running broker after all
    return found or private(keep=keep)


def configured() -> Broker | None:
    """Give the broker at the configured URL, if one speaks there."""
    url = os.environ.get(VARIABLE) or DEFAULT_URL
    if not handshake.speaks(url):
        return None
    return Broker(url, "found running", _management_page(handshake.place(url)[0]))


def in_docker() -> Broker | None:
    """Give a broker in a container, if a Docker engine runs."""
    if not _docker_runs():
        return None
    noted = _noted_container()
    if noted is not None and handshake.speaks(noted):
        return Broker(noted, "in Docker, already running")
    amqp, management = free_port(USUAL["amqp"]), free_port(USUAL["management"])
    ports = {"DISPATCHER_AMQP_PORT": str(amqp), "DISPATCHER_MANAGEMENT_PORT": str(management)}
    url = f"amqp://guest:guest@127.0.0.1:{amqp}/"
    _tell("Starting RabbitMQ in Docker")
    try:
        up = _compose("up", "-d", "--wait", ports=ports) and await_that(lambda: handshake.welcomes(url), 60)
    except BaseException:  # Ctrl-C too: nothing may stay behind
        remove_container()
        raise
    if not up:
        remove_container()
        _tell("Docker could not start it; trying without.")
        return None
    RUN.mkdir(exist_ok=True)
    (RUN / "docker.json").write_text(json.dumps({"url": url}))
    return Broker(url, "in Docker", f"http://127.0.0.1:{management}/", remove_container, started=True)


def ensure_server() -> bool:
    """See to it that a rabbitmq-server lies on this machine; tell whether it had to be installed."""
    if find_server() is not None:
        return False
    try:
        tools.get("rabbitmq-server")
    except PackageFailure as error:
        raise NoBroker(f"{error}\n{NOWHERE}") from error
    return True


def private(*, keep: bool = False) -> Broker:
    """Start a node of our own, or give the one that an earlier `up` left running."""
    node = Node(RUN / "rabbitmq", usual_ports=True)
    if node.running and await_that(lambda: handshake.welcomes(node.url), 10):
        return Broker(node.url, "a private node, already running", node.management_url)
    _tell("Starting a private RabbitMQ")
    try:
        node.start(keep=keep)
    except NodeFailure as error:
        raise NoBroker(str(error)) from error
    return Broker(node.url, "a private node", node.management_url, node.stop, started=True)


def remove_container() -> None:
    """End and delete the container that `in_docker` started."""
    _compose("down", "--volumes")
    (RUN / "docker.json").unlink(missing_ok=True)


def _management_page(host: str) -> str | None:
    try:
        socket.create_connection((host, USUAL["management"]), 1).close()
    except OSError:
        return None
    return f"http://{host}:{USUAL['management']}/"


def _noted_container() -> str | None:
    try:
        return json.loads((RUN / "docker.json").read_text())["url"]
    except (OSError, ValueError, KeyError):
        return None


def _docker_runs() -> bool:
    if shutil.which("docker") is None:
        return False
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=5, check=False).returncode == 0
    except (subprocess.TimeoutExpired, OSError):
        return False


def _compose(*arguments: str, ports: dict[str, str] | None = None) -> bool:
    # Two clones on one machine are two projects.
    project = "dispatcher-" + hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
    command = ["docker", "compose", "-p", project, "-f", str(ROOT / "helpers" / "compose.yml"), *arguments]
    environment = {**os.environ, **(ports or {})}
    return subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode == 0


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def up(options: argparse.Namespace) -> None:
    """Find or start one, leave it running and say where it is."""
    broker = find(own=options.own, keep=True)
    if options.print_url:
        print(broker.url)
        return
    host, port = handshake.place(broker.url)
    page = f"; {broker.management_url} (guest, guest)" if broker.management_url else ""
    print(f"RabbitMQ: {broker.origin}, {host}:{port}{page}")


def down(_options: argparse.Namespace) -> None:
    """Stop what `up` started, and nothing else."""
    if (RUN / "rabbitmq" / "node.json").exists():
        Node(RUN / "rabbitmq").stop()
    if _noted_container() is not None:
        remove_container()


def url(_options: argparse.Namespace) -> None:
    """Print where a broker is that answers."""
    node = Node(RUN / "rabbitmq") if (RUN / "rabbitmq" / "node.json").exists() else None
    candidates = [node.url if node is not None and node.running else None, _noted_container()]
    broker = next((place for place in candidates if place and handshake.speaks(place)), None)
    found = configured()
    if broker is None and found is None:
        raise NoBroker("No RabbitMQ runs here; `python3 helpers/rabbitmq.py up` finds or starts one.")
    print(broker or found.url)


def install(_options: argparse.Namespace) -> None:
    """See to it that there is a rabbitmq-server on this machine."""
    ensure_server()


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; an error is a sentence."""
    parser = argparse.ArgumentParser(prog="rabbitmq.py", description="Find a RabbitMQ, or get one.")
    commands = parser.add_subparsers(required=True, metavar="up|down|url|install")
    for command in (up, down, url, install):
        one = commands.add_parser(command.__name__, help=command.__doc__)
        one.set_defaults(command=command)
        if command is up:
            one.add_argument("--own", action="store_true", help="a private node, whatever else there is")
            one.add_argument("--print-url", action="store_true", help="print nothing but the URL")
    options = parser.parse_args(arguments)
    try:
        options.command(options)
    except (NoBroker, NodeFailure) as error:
        _tell(str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
