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
    # A broker that is not there: at the usual port others start and stop theirs.
    nowhere = "amqp://guest:guest@127.0.0.1:9/"
    usual = {
        "service__journal__path": folder / "journal",
        "service__health__port": 0,
        "brokers__rabbitmq__url": nowhere,
    }
    env = environment(measured=measured, **{**usual, **settings}) | {"COLUMNS": "200"}
    process = await forks.start(MAIN, *arguments, cwd=folder, env=env, stdout=PIPE)
    out, error = await process.communicate()
    return Result(process.returncode or 0, out.decode(), error.decode())
