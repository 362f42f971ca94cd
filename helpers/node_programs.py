"""The programs a private node is made of: where they lie on this machine, and how they are started.

With `RABBITMQ_ROOT` they are those of another Debian, unpacked there (`helpers/rabbitmq4.py`): each is started in a
mount namespace of its own, in which the `usr` of that folder lies in the place of this machine's. All other folders,
the ports and the process ids are the same as outside, where nothing is mounted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

VARIABLE = "RABBITMQ_ROOT"
SCRIPT = "usr/lib/rabbitmq/bin/rabbitmq-server"
"""Where Debian puts it. What lies on the PATH switches to another user."""

OTHER_USR = 'mount --bind "$0/usr" /usr && exec "$@"'
"""What is executed last stays the process that was started: it is the one to signal."""


class NodeFailure(Exception):
    """A node cannot be started or told something; the text says why, and shows the end of its log."""


def find_server() -> Path | None:
    """Give RabbitMQ's own start script: the one that does not switch to another user."""
    if root := _root():
        return Path("/", SCRIPT) if (root / SCRIPT).is_file() else None
    places = [Path("/", SCRIPT).parent, *os.get_exec_path(), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"]
    for folder in places:
        script = Path(folder) / "rabbitmq-server"
        if os.access(script, os.X_OK) and script.is_file():
            return script
    return None


def server() -> list[str]:
    """Give the command that starts a broker.

    Raises:
        NodeFailure: there is none.

    """
    return _command(_script())


def control(*arguments: str) -> list[str]:
    """Give the command that tells a broker something: `rabbitmqctl`, which lies beside it; raises as `server`."""
    return _command(_script().with_name("rabbitmqctl"), *arguments)


def epmd(*arguments: str) -> list[str]:
    """Give the command that starts Erlang's directory of nodes.

    Raises:
        NodeFailure: there is none.

    """
    if _root():
        return _command("epmd", *arguments)
    # Where Erlang was not installed as a package, epmd lies only beside the virtual machine.
    found = shutil.which("epmd") or next(map(str, Path("/usr").glob("l*/**/erlang/erts-*/bin/epmd")), None)
    if found is None:
        raise NodeFailure("There is a rabbitmq-server but no epmd: Erlang is not installed completely.")
    return _command(found, *arguments)


def spawn(command: list[str], environment: dict[str, str], folder: Path, *, held: bool = False) -> subprocess.Popen:
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


def _root() -> Path | None:
    named = os.environ.get(VARIABLE)
    return Path(named).absolute() if named else None


def _script() -> Path:
    found = find_server()
    if found is None and (root := _root()):
        raise NodeFailure(
            f"There is no rabbitmq-server in {root}, which {VARIABLE} names; `make test-rabbitmq4` gets it."
        )
    if found is None:
        raise NodeFailure("There is no rabbitmq-server on this machine; `python3 helpers/rabbitmq.py install` gets it.")
    return found


def _command(program: Path | str, *arguments: str) -> list[str]:
    command = [str(program), *arguments]
    if not (root := _root()):
        return command
    # Who is not root is so in a user namespace of their own, and may mount there.
    rights = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *rights, "sh", "-c", OTHER_USR, str(root), *command]
