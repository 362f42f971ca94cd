"""Several processes write to one pipe, and no line is torn by another."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from fcntl import F_SETPIPE_SZ, fcntl

from tests.daemon import ROOT

LINES = 2_000
PROGRAM = f"""
import asyncio, logging, sys
from dispatcher.cli.log import set_up_log

async def main():
    set_up_log(others=True)
    print("up", flush=True)
    sys.stdin.readline()
    (handler,) = logging.getLogger().handlers
    for number in range({LINES}):
        handler.tell(logging.INFO, {{"event": "settled", "number": number, "text": "ü" * (number % 300)}})
        if number % 150 == 0:
            await asyncio.sleep(0)

asyncio.run(main())
"""


async def test_no_line_is_torn_by_another_process_when_the_pipe_is_full():
    theirs, ours = os.pipe()
    fcntl(ours, F_SETPIPE_SZ, 4096)  # full at once: what is larger is written in pieces
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=ours
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout
        assert b"up\n" == await process.stdout.readline()
    for process in processes:
        assert process.stdin
        process.stdin.write(b"go\n")
    os.close(ours)
    reader = asyncio.StreamReader()
    with os.fdopen(theirs, "rb") as pipe:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        seen = Counter([json.loads(line)["number"] async for line in reader])
        transport.close()

    assert [0, 0] == [await process.wait() for process in processes]
    assert dict.fromkeys(range(LINES), 2) == seen
