"""Processes of the daemon that begin with its libraries loaded, which is nine tenths of a start.

Each is a fork of a server that has done nothing but load them: a process of its own, with a folder, an environment and
streams of its own, in which the program runs as if Python had just been called with it, and ends like that.

    a test ─── server ─┬─ guard ─── the program
                       └─ guard ─── the program        a guard tells the test how its program has ended
"""

import asyncio
import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = ("dispatcher.cli.app", "uvloop")
LARGEST = 200_000
"""Bytes of a request: arguments and environment."""

PAUSE = 0.01
OUT, ERROR = 1, 2


class Process:
    """One of them; as much of `asyncio.subprocess.Process` as the tests use.

    Attributes:
        pid: its number.
        stdout, stderr: what it writes; the first may be thrown away.

    """

    def __init__(self, pid: int, guard: int, stdout: asyncio.StreamReader | None, stderr: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr
        self._guard = guard
        self._code: int | None = None
        os.set_blocking(guard, False)

    @property
    def returncode(self) -> int | None:
        """How it has ended: the exit code, or a signal as a negative number."""
        if self._code is None:
            try:
                self._code = int(os.read(self._guard, 100))
            except BlockingIOError:
                return None
            os.close(self._guard)
        return self._code

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait for its end."""
        while (code := self.returncode) is None:  # noqa: ASYNC110 - nothing can be awaited that tells of it
            await asyncio.sleep(PAUSE)
        return code

    async def communicate(self) -> tuple[bytes, bytes]:
        """Give what it writes until its end."""
        assert self.stdout
        out, error = await asyncio.gather(self.stdout.read(), self.stderr.read())
        await self.wait()
        return out, error


async def start(
    program: str, *arguments: str, cwd: Path, env: Mapping[str, str], stdout: int = subprocess.DEVNULL
) -> Process:
    """Start a script in a folder, with this environment and no other; `stdout` may be `PIPE`."""
    request = json.dumps([program, arguments, str(cwd), dict(env)]).encode()
    (guard, their_guard), (error, their_error) = os.pipe(), os.pipe()
    out, their_out = os.pipe() if stdout == subprocess.PIPE else (None, os.open(os.devnull, os.O_WRONLY))
    theirs = [their_out, their_error, their_guard]
    socket.send_fds(_server(), [request], theirs)
    for end in theirs:
        os.close(end)
    pid = int(await asyncio.to_thread(os.read, guard, 100))
    return Process(pid, guard, None if out is None else await _reader(out), await _reader(error))


async def _reader(pipe: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    end = os.fdopen(pipe, "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), end)
    return reader


@cache
def _server() -> socket.socket:
    """Start the server of this process, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.forks", str(theirs.fileno())]
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "DISPATCHER_"))}
    with theirs:
        server = subprocess.Popen(command, cwd=ROOT, env=usual, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])

    @atexit.register
    def end() -> None:
        ours.close()
        server.wait()

    return ours


def serve(wire: socket.socket) -> str | None:
    """Fork for each request; return the program to run in the forks, and nothing where no more requests come."""
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # else each fork looks through all that was loaded when it ends
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        request, descriptors, _, _ = socket.recv_fds(wire, LARGEST, 3)
        if not request:
            return None
        if not os.fork():
            wire.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return become(*json.loads(request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _reap(*_: object) -> None:
    """Let guards that have ended be gone."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def become(
    program: str, arguments: list[str], folder: str, environment: dict[str, str], out: int, error: int, guard: int
) -> str:
    """Fork once more, and be the guard of the fork; in that one, give the program to run."""
    pid = os.fork()
    if pid:
        os.write(guard, str(pid).encode())
        os.close(out)
        os.close(error)
        _, status = os.waitpid(pid, 0)
        os.write(guard, str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    os.close(guard)
    for given, number in ((out, OUT), (error, ERROR)):
        os.dup2(given, number)
        os.close(given)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [program, *arguments]
    sys.path[0] = str(Path(program).parent)
    coverage.process_startup()  # where the environment says so
    return program


if __name__ == "__main__":
    wanted = serve(socket.socket(fileno=int(sys.argv[1])))
    if wanted:
        runpy.run_path(wanted, run_name="__main__")
