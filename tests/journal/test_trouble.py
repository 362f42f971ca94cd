"""A disk in trouble stops nobody: what was sent goes on in memory, is said once, and goes to disk when that is back."""

import errno
import logging
import os
import pwd
import sqlite3
from pathlib import Path

import pytest

from dispatcher.factories import make_journal
from dispatcher.flow.journal import Record
from dispatcher.journal import HostJournal, memory
from dispatcher.journal.database import advice
from dispatcher.journal.places import WORKED, pack
from dispatcher.settings import Settings
from tests.journal.conftest import Clock, Maker
from tests.journal.processes import held, result


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)


@pytest.fixture
def full(folder: Path, journal: HostJournal, key: bytes) -> sqlite3.Connection:
    """The journal's file, held by somebody else: as good as a disk that takes nothing, and easily ended."""
    journal.serve(key, [0])
    [path] = folder.glob("notes*.db")
    return sqlite3.connect(path, isolation_level=None)


def sentence(folder: Path, why: str, advice: str = "correct that") -> str:
    return (
        f"the journal in {folder} cannot be written ({why}), so what was sent is remembered in memory only:"
        f" {advice}, or set service.journal.path to a folder that can be written"
    )


def test_where_a_file_lies_in_the_folders_place_it_goes_on_in_memory(
    journal: HostJournal, folder: Path, key: bytes, clock: Clock, caplog: pytest.LogCaptureFixture
):
    folder.parent.mkdir()
    folder.write_text("not a folder")
    with held(journal.take(key)):
        journal.hand_over(key, [1, 2])
        journal.serve(key, [1])
        journal.settle(key)

    expected = sentence(folder, "File exists")
    assert expected == journal.trouble
    assert Record(served={1: 0}, unsure=frozenset({2})) == journal.recall(key)
    assert journal.is_settled(key)
    assert not journal.is_held_elsewhere(key)
    clock.at += 11
    assert expected == journal.trouble
    assert [expected] == caplog.messages

    folder.unlink()
    assert expected == journal.trouble
    clock.at += 11
    assert journal.trouble is None
    assert [expected, f"the journal in {folder} is on disk again"] == caplog.messages
    assert ["WARNING", "INFO"] == [record.levelname for record in caplog.records]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, ""), "free the disk"),
        (OSError(errno.EDQUOT, ""), "free the disk"),
        (PermissionError(errno.EACCES, ""), "let the dispatcher's user write there"),
        (OSError(errno.EROFS, ""), "let the dispatcher's user write there"),
        (NotADirectoryError(errno.ENOTDIR, ""), "correct that"),
        (ValueError("embedded null byte"), "correct that"),
    ],
)
def test_what_is_to_be_done_depends_on_the_trouble(error: Exception, expected: str):
    assert expected == advice(error)


def test_a_user_without_a_home_has_no_folder_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, key: bytes, caplog: pytest.LogCaptureFixture
):
    def nobody(number: int) -> None:
        raise KeyError(number)

    for name in ("HOME", "XDG_STATE_HOME", "STATE_DIRECTORY", "DISPATCHER_SERVICE__JOURNAL__PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    journal = make_journal(Settings())
    journal.serve(key, [1])

    expected = (
        "there is no folder for the journal, since its user has no home, so what was sent is remembered in memory only:"
        " set service.journal.path to a folder that can be written"
    )
    assert Record(served={1: 0}) == journal.recall(key)
    assert expected == journal.trouble
    assert [expected] == caplog.messages
    journal.close()


def test_many_messages_are_cleared_on_disk_little_by_little(
    journal: HostJournal, folder: Path, make: Maker, clock: Clock, full: sqlite3.Connection
):
    keys = [number.to_bytes(16, "big") for number in range(120)]
    for key in keys:
        journal.hand_over(key, [0])
    full.execute("BEGIN EXCLUSIVE")
    for key in keys:
        journal.clear(key)
    full.execute("ROLLBACK")

    left = []
    clock.at += 11
    while journal._memory.cleared:
        assert journal.trouble is None
        left.append(len(journal._memory.cleared))

    assert [70, 20, 0] == left
    assert not any(make().recall(key).unsure for key in keys)


def test_what_is_in_memory_goes_to_disk_when_that_is_back(
    journal: HostJournal, make: Maker, folder: Path, key: bytes, clock: Clock
):
    folder.parent.mkdir()
    folder.write_text("not a folder")
    for number in range(2000):
        journal.serve(number.to_bytes(16, "big"), [0])
        journal.settle(number.to_bytes(16, "big"))
    journal.hand_over(key, [1])
    with held(journal.take(key)):
        folder.unlink()
        clock.at += 11
        while journal._memory:
            assert journal.trouble is None
        other = make()
        assert [] == [number for number in range(2000) if not other.recall(number.to_bytes(16, "big")).served]
        assert all(other.is_settled(number.to_bytes(16, "big")) for number in range(2000))
        assert frozenset({1}) == other.recall(key).unsure
        assert other.is_held_elsewhere(key)


def test_a_close_takes_what_is_in_memory_to_disk(journal: HostJournal, make: Maker, folder: Path):
    folder.parent.mkdir()
    folder.write_text("not a folder")
    for number in range(2000):
        journal.serve(number.to_bytes(16, "big"), [0])
    folder.unlink()
    journal.close()
    after = make()

    assert [] == [number for number in range(2000) if not after.recall(number.to_bytes(16, "big")).served]


def test_a_close_while_the_disk_is_away_is_borne(journal: HostJournal, folder: Path, key: bytes):
    folder.parent.mkdir()
    folder.write_text("not a folder")
    journal.serve(key, [0])
    journal.close()

    assert {0: 0} == journal.recall(key).served


FULL = """
sizes = resource.getrlimit(resource.RLIMIT_FSIZE)
journal.serve(key(0), range(100))
journal.hand_over(key(1), [0])
largest = max(path.stat().st_size for path in folder.iterdir())
resource.setrlimit(resource.RLIMIT_FSIZE, (largest, sizes[1]))
for number in range(2, 1500):
    journal.serve(key(number), [0])
    with held(journal.take(key(number))): pass
say(journal.trouble is not None)
journal.clear(key(1))
journal.serve(key(0), [100])
say(sorted(journal.recall(key(0)).served) == list(range(101)))
say(sum(journal.recall(key(number)).served == {0: 0} for number in range(2, 1500)))
say(len(journal.recall(key(1)).unsure))
resource.setrlimit(resource.RLIMIT_FSIZE, sizes)
clock = time.time
journal._clock = lambda: clock() + 11
journal.close()
after = HostJournal(folder, timedelta(hours=1))
say(sum(after.recall(key(number)).served == {0: 0} for number in range(2, 1500)))
say(len(after.recall(key(1)).unsure))
say(after.trouble)
after.close()
"""


def test_a_full_disk_is_borne_and_still_read(folder: Path):
    assert ["True", "True", "1498", "0", "1498", "0", "None"] == result(folder, FULL)


SCARCE = """
sizes = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, sizes[1]))
clock = time.time
number = 0
while journal.trouble is None:
    number += 1
    journal.serve(key(number), [0])
journal._clock = lambda: clock() + 11
say(journal.trouble)
journal.close()
after = HostJournal(folder, timedelta(hours=1))
say(sum(bool(after.recall(key(one)).served) for one in range(1, number + 1)) == number)
after.close()
"""


def test_room_that_was_used_for_the_way_to_the_file_is_used_again(folder: Path):
    assert ["None", "True"] == result(folder, SCARCE)


def test_a_lock_held_for_a_moment_is_no_trouble(
    journal: HostJournal, make: Maker, full: sqlite3.Connection, key: bytes, clock: Clock, caplog
):
    full.execute("BEGIN IMMEDIATE")
    journal.serve(key, [1])
    journal.hand_over(key, [2])
    assert journal.trouble is None
    assert Record(served={0: 0, 1: 0}, unsure=frozenset({2})) == journal.recall(key)
    journal.clear(key)
    assert Record(served={0: 0, 1: 0}) == journal.recall(key)

    full.execute("ROLLBACK")
    full.close()
    clock.at += 2
    journal.settle(key)
    assert Record(served={0: 0, 1: 0}) == make().recall(key)
    assert [] == caplog.messages


def test_a_lock_held_for_longer_is_one(
    journal: HostJournal, folder: Path, full: sqlite3.Connection, key: bytes, clock: Clock, caplog
):
    full.execute("BEGIN IMMEDIATE")
    for _ in range(3):
        journal.serve(key, [1])
        clock.at += 2
    expected = sentence(folder, "database is locked", "end whatever else holds its files locked")
    assert expected == journal.trouble
    full.execute("ROLLBACK")
    full.close()

    clock.at += 11
    assert journal.trouble is None
    assert [expected, f"the journal in {folder} is on disk again"] == caplog.messages


def test_doubts_on_disk_that_cannot_be_cleared_are_cleared_later(
    journal: HostJournal, make: Maker, full: sqlite3.Connection, key: bytes, clock: Clock
):
    journal.hand_over(key, [1])
    full.execute("BEGIN IMMEDIATE")
    journal.clear(key)
    assert frozenset() == journal.recall(key).unsure
    assert frozenset({1}) == make().recall(key).unsure
    full.execute("ROLLBACK")
    full.close()

    clock.at += 11
    assert journal.trouble is None
    assert frozenset() == make().recall(key).unsure
    assert {0: 0} == make().recall(key).served


@pytest.mark.parametrize("content", [b"this is no database " * 400, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_broken_file_is_put_aside_and_made_anew(
    make: Maker, folder: Path, key: bytes, caplog: pytest.LogCaptureFixture, content: bytes
):
    make().serve(key, [0])
    [path] = folder.glob("notes*.db")
    for journal in (make(), make()):
        journal.close()
    for ending in ("", "-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    path.write_bytes(content)

    journal, other = make(), make()
    assert Record() == journal.recall(key)
    journal.serve(key, [1])
    assert {1: 0} == other.recall(key).served
    assert journal.trouble is None
    assert content == (folder / f"{path.name}.broken").read_bytes()
    [message] = caplog.messages
    assert message.startswith(f"the journal's file {path} is broken (")
    assert message.endswith(f") and was renamed to {path.name}.broken")


def test_the_log_of_a_broken_file_goes_with_it(make: Maker, folder: Path, key: bytes):
    make().serve(key, [0])
    [path] = folder.glob("notes*.db")
    other = sqlite3.connect(path)  # as long as it is open, so is the log
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.write(b"this is no database " * 400)

    make().serve(key, [1])
    assert {f"{path.name}.broken{ending}" for ending in ("", "-wal", "-shm")} == {
        one.name for one in folder.glob("*.broken*")
    }
    other.close()


def test_a_file_that_breaks_while_it_is_open_is_put_aside_too(
    make: Maker, folder: Path, key: bytes, caplog: pytest.LogCaptureFixture
):
    """Tables that are not ours, made by a stranger: what is found when one asks."""
    journal, other = make(), make()
    journal.serve(key, [0])
    other.serve(key, [1])
    [path] = folder.glob("notes*.db")
    with sqlite3.connect(path) as stranger:
        stranger.execute("DROP TABLE sent")
    stranger.close()

    journal.serve(key, [2])
    other.serve(key, [3])
    assert {2: 0, 3: 0} == journal.recall(key).served == other.recall(key).served
    assert journal.trouble is other.trouble is None
    assert 1 == len(caplog.messages)


def test_broken_deaths_are_put_aside(make: Maker, folder: Path, key: bytes):
    folder.mkdir(parents=True)
    (folder / "died.db").write_bytes(b"this is no database " * 400)
    journal = make()

    assert 0 == journal.recall(key).deaths
    (folder / "hands-1-left").write_bytes(pack(key, 0, 0, WORKED))
    assert 1 == journal.recall(key).deaths


def test_a_file_that_another_put_aside_first_is_just_opened_anew(make: Maker, folder: Path, key: bytes):
    journal = make()
    journal.serve(key, [0])
    [path] = folder.glob("notes*.db")
    database = journal._disk._sent._open[path.name]

    def found_broken(connection: sqlite3.Connection) -> int:
        if not aside.exists():
            path.rename(aside)
            make().serve(key, [1])
            connection.execute("SELECT * FROM nothing")
        return connection.execute("SELECT slot FROM sent").fetchone()[0]

    aside = folder / "aside"
    assert 1 == database.run(found_broken)
    assert not (folder / f"{path.name}.broken").exists()


def test_a_folder_taken_away_is_made_again(make: Maker, folder: Path, key: bytes, clock: Clock):
    journal = make()
    journal.serve(key, [0])
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    journal.serve(key, [1])
    assert sentence(folder, "No such file or directory") == journal.trouble

    clock.at += 11
    assert journal.trouble is None
    assert {1: 0} == make().recall(key).served


def test_a_file_that_cannot_be_opened_is_trouble_and_tried_again(make: Maker, folder: Path, key: bytes, clock: Clock):
    name = f"notes-3600-{int(clock.at // 3600)}.db"
    (folder / name).mkdir(parents=True)
    journal = make()
    journal.serve(key, [0])
    assert sentence(folder, "unable to open database file", "let the dispatcher's user write there") == journal.trouble
    assert {0: 0} == journal.recall(key).served

    (folder / name).rmdir()
    clock.at -= 3600
    assert journal.trouble is None
    assert {0: 0} == make().recall(key).served


def test_a_path_that_can_be_none_is_trouble(make: Maker, tmp_path: Path, key: bytes):
    journal = make(tmp_path / "null\0byte")
    journal.serve(key, [0])

    assert journal.trouble is not None
    assert {0: 0} == journal.recall(key).served


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "PAGES", 20)
    monkeypatch.setattr(memory, "CLEARED", 5)


def test_memory_is_bounded(small: None, make: Maker, folder: Path, key: bytes):
    folder.parent.mkdir()
    folder.write_text("not a folder")
    journal = make()
    for number in range(20_000):
        journal.serve(number.to_bytes(16, "big"), [0])
        journal.clear(number.to_bytes(16, "big"))
    remembered = [number for number in range(20_000) if journal.recall(number.to_bytes(16, "big")).served]
    assert 1000 < len(remembered) < 8000
    assert list(range(remembered[0], 20_000)) == remembered
    assert 5 == len(journal._memory.cleared)

    journal.serve(key, range(20_000))
    assert {} == journal.recall(key).served


def test_memory_and_disk_are_one_to_who_asks(journal: HostJournal, full: sqlite3.Connection, key: bytes, clock: Clock):
    clock.at += 1
    full.execute("BEGIN IMMEDIATE")
    journal.serve(key, [0], pieces=2)
    assert {0: 2} == journal.recall(key).served
    full.execute("ROLLBACK")
    full.close()
    clock.at += 11
    journal.serve(key, [0], pieces=3)

    assert {0: 3} == journal.recall(key).served


def test_one_trouble_after_the_other_within_the_hour(
    journal: HostJournal, make: Maker, full: sqlite3.Connection, key: bytes, clock: Clock
):
    for slot in (1, 2):
        full.execute("BEGIN IMMEDIATE")
        journal.serve(key, [slot])
        full.execute("ROLLBACK")
        clock.at += 11
        while journal._memory:
            assert journal.trouble is None
    full.close()

    assert {0: 0, 1: 0, 2: 0} == make().recall(key).served


def test_no_other_process_can_stop_it_for_long(journal: HostJournal, full: sqlite3.Connection, key: bytes):
    """Each try waits 50 ms at most, and for a second there is none."""
    full.execute("BEGIN EXCLUSIVE")
    start = os.times().elapsed
    for _ in range(100):
        journal.serve(key, [0])
    assert os.times().elapsed - start < 2
    full.execute("ROLLBACK")
    full.close()
