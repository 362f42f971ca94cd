"""Other processes of the host: each a Python of its own that does a few lines with a journal."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dispatcher.flow.journal import Hand

ROOT = Path(__file__).resolve().parent.parent.parent

BEGIN = """
import os, resource, sqlite3, sys, time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from dispatcher.journal import HostJournal
folder = Path(sys.argv[1])
journal = HostJournal(folder, timedelta(hours=1))
from tests.journal.processes import held
def key(number): return number.to_bytes(16, "big")
def say(word): print(word, flush=True)
"""


@contextmanager
def held(hand: Hand) -> Iterator[Hand]:
    """Release what is in hand at the end of the block."""
    try:
        yield hand
    finally:
        hand.release()


def start(folder: Path, lines: str) -> subprocess.Popen[str]:
    """Start one; `journal`, `key(number)` and `say(word)` are there."""
    command = [sys.executable, "-c", BEGIN + lines, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def running(folder: Path, lines: str) -> Iterator[subprocess.Popen[str]]:
    """Have one that has said its first word; it is killed at the end, if it lives."""
    process = start(folder, lines)
    try:
        assert process.stdout
        assert process.stdout.readline().strip() == "ready"
        yield process
    finally:
        die(process)


def die(process: subprocess.Popen[str]) -> None:
    """Kill it at once (-9)."""
    process.kill()
    process.communicate()


def result(folder: Path, lines: str) -> list[str]:
    """Run one to its end; give what it said."""
    process = start(folder, lines)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return said.split()


HOLDS = """
with ExitStack() as stack:
    for number in ({numbers},):
        stack.enter_context(held(journal.take(key(number)))).work()
    say("ready")
    sys.stdin.read()
"""


def holding(*numbers: int) -> str:
    """Give the lines of one that has these in hand until it dies."""
    return HOLDS.format(numbers=", ".join(str(number) for number in numbers))
