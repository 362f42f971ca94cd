"""The command line as its user meets it: a process, its output, its exit code."""

from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path

from tests import forks
from tests.daemon import MAIN, environment


@dataclass
class Result:
    code: int
    out: str
    error: str


async def run(*arguments: str, folder: Path, measured: bool = True, **settings: object) -> Result:
    usual = {"service__journal__path": folder / "journal", "service__health__port": 0}
    env = environment(measured=measured, **{**usual, **settings}) | {"COLUMNS": "200"}
    process = await forks.start(MAIN, *arguments, cwd=folder, env=env, stdout=PIPE)
    out, error = await process.communicate()
    return Result(process.returncode or 0, out.decode(), error.decode())
