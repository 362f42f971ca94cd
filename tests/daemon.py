"""The daemon as its operator runs it: a process, with settings in its environment and a log on standard error."""

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path
from typing import Any, Self

from tests import forks
from tests.waiting import until

ROOT = Path(__file__).resolve().parent.parent
MAIN = str(ROOT / "dispatcher" / "main.py")
OURS = "DISPATCHER_"
COVERAGE = "COVERAGE_"


def environment(*, measured: bool = True, **settings: object) -> dict[str, str]:
    """Give an environment with these settings and no others: `notifiers__email__port=25`.

    Args:
        measured: let the coverage of the process be measured where the test's is, which makes it slow.
        settings: by name.

    """
    ours = (OURS,) if measured else (OURS, COVERAGE)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return inherited | {f"{OURS}{name.upper()}": str(value) for name, value in settings.items()}


class Daemon:
    """One daemon; an asynchronous context manager that kills it at the end.

    Args:
        folder: where it is started: `templates/` and `dispatcher.yml` are looked for there.
        measured, settings: see `environment`; one process, unless `service__processes` says otherwise, and what the
            configuration says where that is `None`.

    Attributes:
        log: the lines it wrote, in order.
        program: the command that starts it; a fork that runs `main.py` where none is named.

    """

    program: tuple[str, ...] = ()

    def __init__(self, folder: Path, *, measured: bool = True, **settings: object) -> None:
        self._folder = folder
        usual = {
            "service__journal__path": folder / "journal",
            "service__health__port": 0,
            "service__processes": 1,
        }
        wanted = {name: value for name, value in {**usual, **settings}.items() if value is not None}
        self._environment = environment(measured=measured, **wanted)
        self._process: asyncio.subprocess.Process | forks.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self.log: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self, *, ready: bool = True) -> None:
        """Start it, and wait until it takes messages."""
        before = len(self.log)
        where = {"cwd": self._folder, "env": self._environment}
        self._process = (
            await asyncio.create_subprocess_exec(*self.program, **where, stderr=asyncio.subprocess.PIPE)
            if self.program
            else await forks.start(MAIN, **where)
        )
        self._reader = asyncio.create_task(self._read())
        if ready:
            await until(lambda: any(line["event"] == "ready" for line in self.log[before:]), what="ready")

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        async for raw in self._process.stderr:
            try:
                self.log.append(json.loads(raw))
            except ValueError:
                self.log.append({"event": "not JSON", "text": raw.decode()})

    async def kill(self) -> None:
        """SIGKILL."""
        if self.running:
            assert self._process is not None
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self.ended()

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def memory(self) -> int:
        """How much memory its process holds, in kB."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    @property
    def busy(self) -> float:
        """How long its process has worked, in seconds."""
        assert self._process is not None
        numbers = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")

    def terminate(self) -> None:
        """SIGTERM."""
        assert self._process is not None
        self._process.terminate()

    def hang_up(self) -> None:
        """SIGHUP."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    @property
    def members(self) -> list[int]:
        """The processes that it has started, and that run; there are none where it is a single one."""
        assert self._process is not None
        pid = self._process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    async def ended(self, within: float = 40.0) -> int:
        """Wait for its end; give the exit code."""
        assert self._process is not None
        assert self._reader is not None
        async with asyncio.timeout(within):
            code = await self._process.wait()
            await self._reader
        return code

    def settled(self, message_id: str | None = None) -> list[dict[str, Any]]:
        """Give the lines about settlements, of one message or of all."""
        lines = [line for line in self.log if line["event"] == "settled"]
        return [line for line in lines if message_id in {None, line["id"]}]

    async def until_settled(self, message_id: str, times: int = 1) -> list[dict[str, Any]]:
        """Wait until a message was settled so many times; give the lines."""
        await until(lambda: len(self.settled(message_id)) >= times, what=f"{message_id} settled {times} times")
        return self.settled(message_id)
