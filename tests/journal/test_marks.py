"""A message that is served takes two writes, and what they say is known to all, and survives the process."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dispatcher.flow.journal import Record
from dispatcher.journal import HostJournal, hands, marks
from dispatcher.journal.hands import Hands
from dispatcher.journal.places import HELD, MOST_SLOTS, WORKED, Place, every, pack, unpack
from tests.journal.conftest import HOUR, Clock, Maker
from tests.journal.processes import held, running
from tests.waiting import until


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def states(folder: Path) -> list[int]:
    """Give what is said of the messages that are in hand."""
    contents = [path.read_bytes() for path in folder.glob("hands*")]
    return [place.state for content in contents for place in every(content) if place.state]


def serve(journal: HostJournal, number: int) -> None:
    with held(journal.take(key(number))) as hand:
        hand.work()
        hand.serve([0], last=True)
        hand.rest()


def rows(folder: Path) -> int:
    """Count what the database knows, packed."""
    count = 0
    for path in folder.glob("notes*.db"):
        with sqlite3.connect(path) as connection:
            (size,) = connection.execute("SELECT coalesce(sum(length(notes)), 0) FROM served").fetchone()
        connection.close()
        count += size // 32
    return count


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is written into places, one write each."""
    written: list[bytes] = []
    pwrite = os.pwrite

    def note(file: int, content: bytes, offset: int) -> int:
        written.append(content)
        return pwrite(file, content, offset)

    monkeypatch.setattr(hands.os, "pwrite", note)
    return written


async def test_one_that_is_worked_on_at_once_and_served_takes_two_writes(journal: HostJournal, writes: list[bytes]):
    journal.recall(key(1))
    writes.clear()
    with held(journal.take(key(1))) as hand:
        for _ in range(3):
            hand.work()
            hand.rest()
        hand.work()
        hand.serve([0, 2], last=True)
        hand.rest()
    said = [unpack(record) for record in writes]

    assert [(key(1), 0b000, HELD | WORKED), (key(1), 0b101, 0)] == [(one.key, one.served, one.state) for one in said]


async def test_one_that_waits_is_not_marked_as_worked_on_before_long(journal: HostJournal, folder: Path):
    with held(journal.take(key(1))) as hand:
        assert [HELD | WORKED] == states(folder)
        await until(lambda: states(folder) == [HELD])

        hand.work()
        assert [HELD | WORKED] == states(folder)
        hand.work()
        hand.rest()
        hand.rest()
        await until(lambda: states(folder) == [HELD])
    assert [] == states(folder)


async def test_one_that_is_worked_on_stays_marked(journal: HostJournal, folder: Path):
    with held(journal.take(key(1))) as busy, held(journal.take(key(2))) as idle:
        busy.work()
        await until(lambda: states(folder) == [HELD | WORKED, HELD])
        busy.rest()
        idle.work()
        await until(lambda: states(folder) == [HELD, HELD | WORKED])


RESTS = """
with ExitStack() as stack:
    waiting, served, busy = (stack.enter_context(held(journal.take(key(number)))) for number in (1, 2, 3))
    waiting.work()
    waiting.rest()
    served.work()
    served.serve([0, 1], last=True)
    busy.work()
    busy.serve([4])
    say("ready")
    sys.stdin.read()
"""


def test_what_a_killed_process_has_served_is_known_and_only_what_it_worked_on_is_suspect(make: Maker, folder: Path):
    with running(folder, RESTS):
        mine = HostJournal(folder, HOUR)
        assert [True, False, True] == [mine.is_held_elsewhere(key(number)) for number in (1, 2, 3)]
        assert Record(served={0: 0, 1: 0}) == mine.recall(key(2))
        assert Record(served={4: 0}) == mine.recall(key(3))
    expected = [Record(), Record(served={0: 0, 1: 0}), Record(served={4: 0}, deaths=1)]

    assert expected == [mine.recall(key(number)) for number in (1, 2, 3)]
    mine.close()
    again = HostJournal(folder, HOUR)
    assert expected == [again.recall(key(number)) for number in (1, 2, 3)]
    again.close()


def test_what_is_served_in_part_stays_in_hand(make: Maker):
    mine, theirs = make(), make()
    with held(theirs.take(key(1))) as hand:
        hand.serve([0])
        assert mine.is_held_elsewhere(key(1))
    assert not mine.is_held_elsewhere(key(1))
    assert {0: 0} == mine.recall(key(1)).served == theirs.recall(key(1)).served


def test_what_finds_no_room_in_a_place_is_in_the_database_at_once(journal: HostJournal, make: Maker):
    with held(journal.take(key(1))) as hand:
        hand.serve([0, MOST_SLOTS])
        hand.serve([3], pieces=2)
        hand.serve([MOST_SLOTS - 1], last=True)

    assert {0: 0, 3: 2, MOST_SLOTS - 1: 0, MOST_SLOTS: 0} == make().recall(key(1)).served


@pytest.mark.parametrize(("slots", "pieces"), [([0, MOST_SLOTS], 0), ([3], 2)])
def test_the_last_one_served_lets_go_of_it_though_it_finds_no_room(
    make: Maker, folder: Path, slots: list[int], pieces: int
):
    mine, theirs = make(), make()
    with held(theirs.take(key(1))) as hand:
        hand.work()
        hand.serve(slots, pieces, last=True)
        assert [] == states(folder)
        assert not mine.is_held_elsewhere(key(1))
        assert dict.fromkeys(slots, pieces) == mine.recall(key(1)).served
        hand.rest()


def test_hundreds_go_to_the_database_at_once_and_their_places_are_taken_again(journal: HostJournal, folder: Path):
    for number in range(1, 2 * marks.MOST + 11):
        serve(journal, number)
    [file] = folder.glob("hands*")

    assert 2 * marks.MOST == rows(folder)
    assert file.stat().st_size <= marks.MOST * 64
    assert all({0: 0} == journal.recall(key(number)).served for number in range(1, 2 * marks.MOST + 11))
    journal.close()
    assert 2 * marks.MOST + 10 == rows(folder)


def test_few_go_there_after_a_moment(journal: HostJournal, folder: Path, clock: Clock):
    serve(journal, 1)
    assert 0 == rows(folder)
    clock.at += 3
    serve(journal, 2)
    assert 2 == rows(folder)

    serve(journal, 3)
    clock.at += 3
    assert journal.trouble is None
    assert 3 == rows(folder)


def test_what_another_served_long_ago_does_not_count(make: Maker, clock: Clock, folder: Path):
    mine, theirs = make(), make()
    serve(theirs, 1)
    assert {0: 0} == mine.recall(key(1)).served
    clock.at += 3 * 3600

    assert {} == mine.recall(key(1)).served == theirs.recall(key(1)).served
    theirs.close()
    assert 0 == rows(folder)


def test_bytes_that_we_did_not_write_say_nothing(make: Maker, folder: Path):
    mine = make()
    mine.recall(key(1))
    sound = pack(key(1), 0, 1, HELD | WORKED)
    (folder / "hands-1-left").write_bytes(sound[:-1] + b"?")

    assert Record() == mine.recall(key(1))
    assert not (folder / "hands-1-left").exists()


def test_a_place_that_is_being_written_is_looked_at_again(make: Maker, folder: Path, monkeypatch: pytest.MonkeyPatch):
    mine, theirs = make(), make()
    pread, looks = os.pread, []

    def torn(file: int, size: int, offset: int) -> bytes:
        content = pread(file, size, offset)
        looks.append(content)
        return content[:30] + b"?" + content[31:] if len(looks) == 1 else content

    with held(theirs.take(key(1))):
        mine.recall(key(2))
        monkeypatch.setattr(hands.os, "pread", torn)
        assert mine.is_held_elsewhere(key(1))


def test_while_the_disk_is_away_it_is_remembered_and_on_disk_afterwards(
    journal: HostJournal, make: Maker, folder: Path, clock: Clock
):
    with held(journal.take(key(2))) as hand:
        serve(journal, 1)
        shutil.rmtree(folder)
        clock.at += 3
        serve(journal, 3)
        hand.serve([5], last=True)
        assert journal.trouble is not None
        assert [{0: 0}, {5: 0}, {0: 0}] == [journal.recall(key(number)).served for number in (1, 2, 3)]
    serve(journal, 4)

    clock.at += 11
    assert journal.trouble is None
    expected = [{0: 0}, {5: 0}, {0: 0}, {0: 0}]
    assert expected == [journal.recall(key(number)).served for number in (1, 2, 3, 4)]
    assert expected == [make().recall(key(number)).served for number in (1, 2, 3, 4)]


def test_a_database_held_by_somebody_else_keeps_nobody_from_serving(
    journal: HostJournal, make: Maker, folder: Path, clock: Clock
):
    serve(journal, 1)
    [path] = folder.glob("notes*.db")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    clock.at += 3
    serve(journal, 2)
    assert {0: 0} == journal.recall(key(1)).served == journal.recall(key(2)).served
    other.execute("ROLLBACK")
    other.close()
    journal.close()

    assert {0: 0} == make().recall(key(1)).served == make().recall(key(2)).served


LOCKED = """
at = time.time()
journal = HostJournal(folder, timedelta(hours=1), now=lambda: at)
def serve(number):
    with held(journal.take(key(number))) as hand:
        hand.serve([0], last=True)
for number in range(1, 51):
    serve(number)
at += 2
[path] = folder.glob("notes*.db")
other = sqlite3.connect(path, isolation_level=None)
other.execute("BEGIN IMMEDIATE")
for number in range(51, 101):
    serve(number)
other.execute("ROLLBACK")
hands = [journal.take(key(number)) for number in range(101, 151)]
say("ready")
sys.stdin.read()
"""


def test_a_database_locked_for_a_moment_lets_a_killed_process_forget_nothing(folder: Path):
    with running(folder, LOCKED):
        pass
    mine = HostJournal(folder, HOUR)

    assert [{0: 0}] * 100 == [mine.recall(key(number)).served for number in range(1, 101)]
    mine.close()


def test_what_was_served_while_a_database_is_locked_is_known_and_in_it_a_second_later(
    journal: HostJournal, folder: Path, clock: Clock
):
    serve(journal, 1)
    [path] = folder.glob("notes*.db")
    other_span = path.with_name(f"notes-3601-{int(clock.at // 3601)}.db")
    with closing(sqlite3.connect(other_span, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert {0: 0} == journal.recall(key(1)).served
        serve(journal, 2)
        assert [{0: 0}] * 2 == [journal.recall(key(number)).served for number in (1, 2)]
        other.execute("ROLLBACK")
    other_span.unlink()
    assert 0 == rows(folder)
    clock.at += 2
    assert journal.trouble is None
    assert 2 == rows(folder)


def test_what_goes_to_the_database_while_it_is_asked_for_is_known(
    make: Maker, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    """Its place is taken again by then."""
    mine, theirs = make(), make()
    serve(theirs, 1)
    look = Hands.others

    def look_late(those: Hands, asked: bytes) -> list[Place]:
        clock.at += 2
        for number in (2, 3, 4):
            serve(theirs, number)
        return look(those, asked)

    monkeypatch.setattr(Hands, "others", look_late)
    assert {0: 0} == mine.recall(key(1)).served


def test_without_a_folder_it_is_remembered_in_memory(make: Maker):
    journal = make(None)
    serve(journal, 1)

    assert {0: 0} == journal.recall(key(1)).served


def test_one_that_is_closed_while_something_is_in_hand_remembers(make: Maker):
    journal = make()
    with held(journal.take(key(1))) as hand:
        hand.work()
        journal.close()
        hand.serve([0], last=True)
        hand.rest()

    assert {0: 0} == journal.recall(key(1)).served
