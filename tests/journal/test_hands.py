"""What is in hand is known to the others, and what a process died with is counted, once."""

import errno
import fcntl
import os
import sqlite3
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from dispatcher.flow.journal import Record
from dispatcher.journal import HostJournal, hands
from dispatcher.journal.hands import Hands
from dispatcher.journal.places import HELD, LENGTH, SIZE, WORKED, pack
from tests.journal.conftest import HOUR, Clock, Maker
from tests.journal.processes import die, held, holding, result, running, start

DAY = 86400


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def worked_on(number: int) -> bytes:
    """Give what stands in the file of one that works on a message."""
    return pack(key(number), 0, 0, HELD | WORKED).ljust(SIZE, b"\0")


def test_what_another_has_in_hand_is_held_elsewhere_until_it_lets_go(make: Maker):
    mine, theirs = make(), make()
    with held(theirs.take(key(1))):
        assert mine.is_held_elsewhere(key(1))
        assert not mine.is_held_elsewhere(key(2))
        assert not theirs.is_held_elsewhere(key(1))
        with held(theirs.take(key(1))):
            pass
        assert mine.is_held_elsewhere(key(1))
    assert not mine.is_held_elsewhere(key(1))

    theirs.close()
    assert not mine.is_held_elsewhere(key(1))
    assert 0 == mine.recall(key(1)).deaths


def test_thousands_are_held_and_their_places_are_used_again(make: Maker, folder: Path):
    mine, theirs = make(), make()
    for _ in range(2):
        with ExitStack() as stack:
            for number in range(1, 3001):
                stack.enter_context(held(theirs.take(key(number))))
            assert all(mine.is_held_elsewhere(key(number)) for number in (1, 1500, 3000))
    assert {0, 2999 * SIZE + LENGTH} == {path.stat().st_size for path in folder.glob("hands*")}


def test_an_end_in_order_is_no_death(make: Maker, folder: Path):
    result(folder, "journal.recall(key(1))\nwith held(journal.take(key(1))): pass\njournal.close()")
    mine = make()

    assert 0 == mine.recall(key(1)).deaths
    assert 1 == len(list(folder.glob("hands*")))


def test_a_killed_process_is_seen_and_its_death_is_counted_for_each_message_once(make: Maker, folder: Path):
    mine = make()
    with running(folder, holding(1, 2, 2)) as other:
        assert mine.is_held_elsewhere(key(2))
        assert 0 == mine.recall(key(2)).deaths
        die(other)
        assert not mine.is_held_elsewhere(key(2))

    assert [1, 1, 0] == [mine.recall(key(number)).deaths for number in (1, 2, 3)]
    assert 1 == len(list(folder.glob("hands*")))
    with running(folder, holding(2)):
        pass
    assert [1, 2, 0] == [make().recall(key(number)).deaths for number in (1, 2, 3)]

    mine.clear(key(2))
    assert [1, 0, 0] == [make().recall(key(number)).deaths for number in (1, 2, 3)]


COLLECTS = """
sys.stdin.readline()
journal.recall(key(1))
say("ready")
sys.stdin.readline()
journal.close()
"""


def test_two_that_find_a_dead_one_at_once_count_it_once_and_both_know(make: Maker, folder: Path):
    for round_ in range(1, 11):
        with running(folder, holding(1)):
            finders = [start(folder, COLLECTS) for _ in range(2)]
        for finder in finders:
            assert finder.stdin
            print(file=finder.stdin, flush=True)
        for finder in finders:
            assert finder.stdout
            assert "ready" == finder.stdout.readline().strip()
            finder.communicate("\n", timeout=20)
        assert round_ == make().recall(key(1)).deaths


def test_the_same_file_counts_once_however_often_it_is_found(make: Maker, folder: Path):
    """A process that ends between counting and unlinking leaves a file that was counted."""
    mine = make()
    mine.recall(key(1))
    for _ in range(3):
        (folder / "hands-1-left").write_bytes(worked_on(1) + bytes(64) + b"torn")
        assert 1 == mine.recall(key(1)).deaths
    assert not (folder / "hands-1-left").exists()


def test_one_that_ends_while_it_is_looked_at_is_no_trouble(make: Maker, folder: Path):
    mine = make()
    mine.recall(key(1))
    looker = Hands(folder)

    assert {} == looker.dead(["hands-1-gone", "new-hands-1-gone"])
    assert [] == looker.others(key(1))


def test_deaths_are_forgotten_after_a_week(make: Maker, folder: Path, clock: Clock):
    mine = make()
    mine.recall(key(1))
    for number in (1, 2):
        (folder / f"hands-1-{number}").write_bytes(worked_on(number))
        assert 1 == mine.recall(key(number)).deaths
        clock.at += 8 * DAY
    (folder / "hands-1-3").write_bytes(worked_on(3))

    assert [0, 0, 1] == [mine.recall(key(number)).deaths for number in (1, 2, 3)]


def test_a_file_that_never_got_its_name_goes_away_after_a_while(make: Maker, folder: Path):
    mine = make()
    mine.recall(key(1))
    fresh, stale = folder / "new-hands-1-a", folder / "new-hands-1-b"
    fresh.touch()
    stale.touch()
    os.utime(stale, (time.time() - 100,) * 2)
    mine.recall(key(1))

    assert (True, False) == (fresh.exists(), stale.exists())


def test_the_file_of_an_older_version_goes_away_when_its_process_is_dead(make: Maker, folder: Path):
    mine = make()
    mine.recall(key(1))
    living, dead = folder / "in-hand-1-a", folder / "in-hand-1-b"
    dead.write_bytes(key(1))
    with living.open("xb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert Record() == mine.recall(key(1))

        assert (True, False) == (living.exists(), dead.exists())
    mine.recall(key(1))
    assert not living.exists()


def test_a_file_taken_away_under_us_is_made_again_with_all_that_is_in_hand(make: Maker, folder: Path):
    mine, theirs = make(), make()
    with held(theirs.take(key(1))), held(theirs.take(key(2))):
        for path in folder.glob("hands*"):
            path.unlink()
        theirs.recall(key(3))
        assert mine.is_held_elsewhere(key(1))
        assert mine.is_held_elsewhere(key(2))
    assert not mine.is_held_elsewhere(key(1))


def test_a_file_that_cannot_be_locked_is_not_left_behind(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(hands.fcntl, "flock", refuse)
    journal = HostJournal(folder, HOUR)
    with held(journal.take(key(1))):
        assert journal.trouble is not None
        assert os.strerror(errno.ENOLCK) in journal.trouble
    assert [] == [path.name for path in folder.iterdir() if "hands" in path.name]
    journal.close()


def test_programs_that_a_process_starts_do_not_keep_it_alive(make: Maker, folder: Path):
    lines = """
import subprocess
with held(journal.take(key(1))) as hand:
    hand.work()
    child = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, close_fds=False)
    say("ready")
    say(child.pid)
    sys.stdin.read()
"""
    mine = make()
    with running(folder, lines) as other:
        assert other.stdout
        child = int(other.stdout.readline())
    try:
        assert 1 == mine.recall(key(1)).deaths
    finally:
        os.kill(child, 9)


def test_deaths_that_cannot_be_written_count_all_the_same(
    make: Maker, folder: Path, clock: Clock, caplog: pytest.LogCaptureFixture
):
    mine, other = make(), make()
    mine.recall(key(1))
    with running(folder, holding(1)):
        pass
    other.recall(key(1))
    with sqlite3.connect(folder / "died.db", isolation_level=None) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        with running(folder, holding(1)):
            pass
        assert [2, 2] == [mine.recall(key(1)).deaths for _ in range(2)]
        mine.clear(key(1))
        assert [0, 0] == [mine.recall(key(1)).deaths for _ in range(2)]
        blocker.execute("ROLLBACK")
    blocker.close()
    clock.at += 20
    assert mine.trouble is None
    assert [] == caplog.messages
