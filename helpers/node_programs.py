"""The programs a private node is made of: where they lie on this machine, and how they are started."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


class NodeFailure(Exception):
    """A node cannot be started or told something; the text says why, and shows the end of its log."""


def find_server() -> Path | None:
    """Give RabbitMQ's own start script: the one that does not switch to another user."""
    for folder in ("/usr/lib/rabbitmq/bin", *os.get_exec_path(), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"):
        script = Path(folder) / "rabbitmq-server"
        if os.access(script, os.X_OK) and script.is_file():
            return script
    return None


def server() -> Path:
    """Give the script that starts a broker; `rabbitmqctl` lies beside it.

    Raises:
        NodeFailure: there is none.

    """
    found = find_server()
    if found is None:
        raise NodeFailure("There is no rabbitmq-server on this machine; `python3 helpers/rabbitmq.py install` gets it.")
    return found


def epmd() -> str:
    """Give Erlang's directory of nodes.

    Raises:
        NodeFailure: there is none.

    """
    # Where Erlang was not installed as a package, epmd lies only beside the virtual machine.
    found = shutil.which("epmd") or next(map(str, Path("/usr").glob("l*/**/erlang/erts-*/bin/epmd")), None)
    if found is None:
        raise NodeFailure("There is a rabbitmq-server but no epmd: Erlang is not installed completely.")
    return found


def spawn(command: list, environment: dict[str, str], folder: Path, *, held: bool = False) -> subprocess.Popen:
    """Start a process in a session of its own: Ctrl-C in the terminal is for us, not for it.

    Args:
        command: what to run.
        environment: all of its environment.
        folder: where it runs; its output goes to `log/output.txt` there.
        held: keep a pipe to its standard input, whose end tells it that we are gone.

    """
    with (folder / "log" / "output.txt").open("ab") as output:
        return subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE if held else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
