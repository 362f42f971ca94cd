"""The disk of the journal: full, gone, in the way, broken. Nothing stops for it, and it is said once."""

import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon import Daemon
from tests.faults.bench import LONG, MESSAGES, Bench
from tests.waiting import until

FULL = 8_192
"""Bytes beyond which the daemon can write no file: a disk that is full, for one process."""

SOON = 30.0
"""A disk in trouble is left alone for ten seconds."""


def said(bench: Bench, words: str) -> int:
    """Count the lines of the log with these words."""
    return sum(words in line["event"] for daemon in bench.daemons for line in daemon.log)


def limit(daemon: Daemon, size: int) -> None:
    """Let a daemon write no file beyond a size."""
    assert daemon._process is not None
    resource.prlimit(daemon._process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def on_disk_again(bench: Bench) -> None:
    await until(lambda: said(bench, "is on disk again") == 1, SOON, "the journal is on disk again")


async def killed_at_last(bench: Bench) -> None:
    """Kill the daemon: what it had remembered in memory only has to be on disk by now."""
    (daemon,) = bench.daemons
    await bench.kill(daemon)
    await daemon.start()


async def test_it_is_full_for_a_while(bench: Bench):
    await bench.publish(4 * MESSAGES)
    daemon = await bench.start()
    await bench.sent(MESSAGES // 5)
    async with bench.fault(), bench.flow(rate=20):
        limit(daemon, FULL)
        await until(lambda: said(bench, "cannot be written") == 1, what="it is said")
        await bench.sent(len(bench.arrived()) + MESSAGES)
        limit(daemon, resource.RLIM_INFINITY)
        await on_disk_again(bench)
        await killed_at_last(bench)

    await bench.verdict("disk of the journal full, later daemon kill -9")
    assert 1 == said(bench, "cannot be written")


def gone(folder: Path) -> None:
    shutil.rmtree(folder)


def in_the_way(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("not a folder")


@pytest.mark.parametrize("harm", [gone, in_the_way] if LONG else [in_the_way])
async def test_its_folder_goes(bench: Bench, harm: Callable[[Path], None]):
    """Only what was written before is forgotten."""
    folder = bench.folder / "journal"
    await bench.publish(2 * MESSAGES)
    await bench.start()
    await bench.sent(MESSAGES // 5)
    async with bench.fault(), bench.flow(rate=20):
        harm(folder)
        await bench.sent(len(bench.arrived()) + MESSAGES)
        if folder.is_file():
            await until(lambda: said(bench, "cannot be written") == 1, what="it is said")
            folder.unlink()
            await on_disk_again(bench)
        await until(lambda: folder.is_dir() and len(list(folder.iterdir())) > 1, SOON, "it is there again")
        await killed_at_last(bench)

    await bench.verdict(f"folder of the journal {'gone' if harm is gone else 'replaced by a file'}, later kill -9")


async def test_it_is_broken_at_start(bench: Bench):
    folder = bench.folder / "journal"
    await bench.publish()
    daemon = await bench.start()
    await bench.sent(MESSAGES // 5)
    daemon.terminate()
    await daemon.ended()
    async with bench.fault():
        for file in folder.iterdir():
            file.write_bytes(os.urandom(5_000))
        await daemon.start()
        await bench.sent(len(bench.arrived()) + MESSAGES // 5)
        await killed_at_last(bench)

    await bench.verdict("files of the journal broken, later daemon kill -9")
    assert 1 == said(bench, "is broken")
