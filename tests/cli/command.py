"""The command line as its user meets it: a process, its output, its exit code."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.daemon import MAIN, environment


@dataclass
class Result:
    code: int
    out: str
    error: str


async def run(*arguments: str, folder: Path, program: str = MAIN, **settings: object) -> Result:
    usual = {"service__journal__path": folder / "journal", "service__health__port": 0}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        program,
        *arguments,
        cwd=folder,
        env=environment(**{**usual, **settings}) | {"COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate()
    return Result(process.returncode or 0, out.decode(), error.decode())
