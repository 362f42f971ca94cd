"""Postfix's `smtp-sink`: a mail server of strangers, as a second opinion on what came."""

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from helpers import tools
from helpers.ports import free_port
from tests.waiting import until


@dataclass(frozen=True)
class Dumped:
    """A mail in a file of `smtp-sink`. It does not say who sent it, nor when it was answered."""

    data: bytes
    came: float
    session: int = 0
    caller: str = ""
    answered: float | None = None


class Sink:
    """The server; an asynchronous context manager. Each mail is a file in a folder, gone where it did not end.

    Args:
        folder: where the mails go.
        options: further ones of `smtp-sink`.

    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = 0
        self.pause = 0.0
        self.connections = 0
        self._options = options
        self._process: asyncio.subprocess.Process | None = None
        self._mails: list[Dumped] = []
        self._known: set[str] = set()

    @property
    def mails(self) -> list[Dumped]:
        """Whatever came, in the order in which it was found."""
        drift = time.monotonic() - time.time()
        for entry in sorted(os.scandir(self.folder), key=lambda entry: entry.stat().st_mtime_ns):
            data = b"" if entry.name in self._known else Path(entry).read_bytes()
            if b"\n\n" in data:  # else it is being written
                self._known.add(entry.name)
                self._mails.append(Dumped(data, entry.stat().st_mtime + drift))
        return self._mails

    async def __aenter__(self) -> Self:
        program = tools.find("smtp-sink")
        assert program is not None, "smtp-sink is missing: `python3 helpers/tools.py smtp-sink` installs it"
        self.folder.mkdir(exist_ok=True)
        self.port = self.port or free_port(None)
        owner = ["-u", "root"] if os.geteuid() == 0 else []
        template = f"{self.folder}/%H%M%S."
        self._process = await asyncio.create_subprocess_exec(
            program, *owner, "-d", template, *self._options, f"127.0.0.1:{self.port}", "100"
        )
        await until(self._listens, what="smtp-sink")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """End it; `async with` again starts it on the same port."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, "smtp-sink ended at once"
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True
