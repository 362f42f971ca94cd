"""What was sent and settled is remembered by the whole host, as long as it was promised."""

import asyncio
import os
import sqlite3
import stat
import threading
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.flow.journal import Record
from dispatcher.journal import HostJournal, notes
from dispatcher.journal.database import Database, connect
from tests.journal.conftest import HOUR, Clock, Maker
from tests.journal.processes import held, result, running


def moment(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock.at, UTC)


def is_well(journal: HostJournal) -> bool:
    """Tell whether there is no trouble with the disk: a journal without a folder has none, and says that."""
    return (journal.trouble or "there is no folder").startswith("there is no folder")


@pytest.fixture(params=["disk", "memory"])
def journal(request: pytest.FixtureRequest, make: Maker) -> HostJournal:
    return make() if request.param == "disk" else make(None)


def test_nothing_is_known_of_a_message_nobody_saw(journal: HostJournal, key: bytes):
    assert Record() == journal.recall(key)
    assert journal.is_settled(key) is False
    assert journal.is_held_elsewhere(key) is False
    assert is_well(journal)


def test_who_was_served_is_known_and_how_much_of_it(journal: HostJournal, key: bytes):
    journal.serve(key, [0, 7])
    journal.serve(key, [3], pieces=2)
    journal.serve(key, [])

    assert Record(served={0: 0, 3: 2, 7: 0}) == journal.recall(key)
    assert Record() == journal.recall(b"another message.")


def test_the_last_word_about_a_recipient_counts(journal: HostJournal, key: bytes):
    journal.serve(key, [0], pieces=1)
    journal.serve(key, [0], pieces=2)
    assert {0: 2} == journal.recall(key).served

    journal.serve(key, [0])
    assert {0: 0} == journal.recall(key).served


def test_who_was_handed_over_without_an_answer_is_unsure(journal: HostJournal, key: bytes):
    journal.hand_over(key, [1, 2, 3])
    journal.serve(key, [2])

    assert Record(served={2: 0}, unsure=frozenset({1, 3})) == journal.recall(key)


def test_a_hand_over_takes_nothing_back(journal: HostJournal, key: bytes, clock: Clock):
    journal.serve(key, [1], pieces=4)
    clock.at += 1
    journal.hand_over(key, [1])

    assert Record(served={1: 4}) == journal.recall(key)


def test_doubts_are_cleared_and_what_is_sure_stays(journal: HostJournal, key: bytes):
    journal.serve(key, [1])
    journal.hand_over(key, [2])
    journal.clear(key)

    assert Record(served={1: 0}) == journal.recall(key)


def test_what_was_sent_before_counts_for_another_message(journal: HostJournal, key: bytes, clock: Clock):
    journal.serve(key, [1])
    journal.hand_over(key, [2])
    clock.at += 0.001
    since = moment(clock)

    assert Record() == journal.recall(key, since)
    assert Record(served={1: 0}, unsure=frozenset({2})) == journal.recall(key, since - timedelta(milliseconds=1))

    journal.hand_over(key, [1])
    assert Record(unsure=frozenset({1})) == journal.recall(key, since)
    assert Record(served={1: 0}, unsure=frozenset({2})) == journal.recall(key)


def test_a_settled_copy_is_known(journal: HostJournal, key: bytes):
    journal.settle(key)
    journal.settle(key)

    assert journal.is_settled(key) is True


def test_a_note_is_kept_as_long_as_promised_and_not_for_ever(journal: HostJournal, key: bytes, clock: Clock):
    start = clock.at
    for number in range(8):
        clock.at = start + number * 900
        journal.serve(bytes([number]) * 16, [0])
        journal.settle(bytes([number]) * 16)

    for number in range(8):
        clock.at = start + number * 900 + 3600 if number > 3 else clock.at
        assert {0: 0} == journal.recall(bytes([number]) * 16).served
        assert journal.is_settled(bytes([number]) * 16)

    clock.at += 4 * 3600
    journal.serve(key, [0])
    clock.at += 3600
    journal.serve(key, [0])
    assert Record() == journal.recall(bytes(16))
    assert not journal.is_settled(bytes(16))


def test_a_clock_that_steps_back_takes_nothing_away(journal: HostJournal, key: bytes, clock: Clock):
    journal.serve(key, [0])
    journal.settle(key)
    start = clock.at
    for step in (-3600, -3600, -1800, -10, 0, 600):
        clock.at = start + step
        journal.serve(bytes([step % 251]) * 16, [1], pieces=5)
        assert {0: 0} == journal.recall(key).served
        assert journal.is_settled(key)
    assert is_well(journal)


def test_a_restart_forgets_nothing(make: Maker, key: bytes):
    first = make()
    first.serve(key, [0], pieces=3)
    first.hand_over(key, [1])
    first.settle(key)
    first.close()

    second = make()
    assert Record(served={0: 3}, unsure=frozenset({1})) == second.recall(key)
    assert second.is_settled(key)


def test_a_file_of_the_past_goes_away_and_one_kept_for_longer_stays(
    make: Maker, folder: Path, key: bytes, clock: Clock
):
    short, long = make(), make(keep=timedelta(days=1))
    short.serve(key, [1])
    long.serve(key, [2])
    assert {1: 0, 2: 0} == short.recall(key).served

    clock.at += 2 * 3600
    assert {2: 0} == short.recall(key).served
    assert ["notes-86400-20833.db"] == sorted(path.name for path in folder.glob("notes*.db"))

    clock.at += 2 * 86400
    assert {} == short.recall(key).served
    assert [] == list(folder.glob("notes*"))


OLDER = """
CREATE TABLE sent (
    key BLOB NOT NULL, slot INTEGER NOT NULL,
    pieces INTEGER NOT NULL, at INTEGER NOT NULL, handed INTEGER NOT NULL, PRIMARY KEY (key, slot)
) WITHOUT ROWID;
CREATE TABLE settled (version BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID
"""


def test_the_notes_of_an_older_version_count_and_none_are_added_there(
    make: Maker, folder: Path, key: bytes, clock: Clock
):
    folder.mkdir(parents=True)
    path = folder / f"sent-3600-{int(clock.at // 3600)}.db"
    with closing(connect(str(path), OLDER)) as older:
        notes.serve(older, key, [1], 0, int(clock.at * 1000))
        notes.settle(older, key)
        journal = make()
        assert {1: 0} == journal.recall(key).served
        assert journal.is_settled(key)

        journal.serve(key, [2])
        with held(journal.take(key)) as hand:
            hand.serve([3], last=True)
        clock.at += 3
        assert journal.trouble is None
        assert {1: 0, 2: 0, 3: 0} == journal.recall(key).served
        assert [1] == [row.slot for row in notes.rows(older, key)]
        assert [] == notes.packed(older, key)

    clock.at += 7200
    assert {} == journal.recall(key).served
    assert not path.exists()


def test_an_old_file_that_cannot_be_deleted_is_left_alone(journal: HostJournal, folder: Path, key: bytes):
    (folder / "notes-3600-1.db").mkdir(parents=True)

    assert Record() == journal.recall(key)
    assert is_well(journal)


def test_a_file_from_a_clock_that_was_wrong_does_not_count(make: Maker, key: bytes, clock: Clock):
    journal = make()
    clock.at += 400 * 86400
    journal.serve(key, [0])
    clock.at -= 400 * 86400

    assert Record() == journal.recall(key)


def test_a_clock_before_its_beginning_is_borne(journal: HostJournal, key: bytes, clock: Clock):
    clock.at = -5.0
    journal.serve(key, [0])

    assert {0: 0} == journal.recall(key).served


def test_the_files_are_for_this_user_only(make: Maker, folder: Path, key: bytes):
    before = os.umask(0)
    try:
        journal = make()
        journal.serve(key, [0])
        with held(journal.take(key)):
            modes = {path.name.split("-")[0]: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    finally:
        os.umask(before)

    assert {"notes": 0o600, "hands": 0o600} == modes
    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)


async def test_closing_twice_and_using_it_afterwards_is_borne(journal: HostJournal, key: bytes):
    journal.serve(key, [0])
    await asyncio.to_thread(journal.close)
    journal.close()

    journal.hand_over(key, [1])
    journal.serve(key, [2])
    journal.settle(key)
    journal.clear(key)
    with held(journal.take(key)):
        assert {2} <= journal.recall(key).served.keys()
    assert journal.is_settled(key)
    assert not journal.is_held_elsewhere(key)
    assert is_well(journal)


def test_it_may_be_closed_before_it_was_used_and_while_something_is_in_hand(make: Maker, folder: Path, key: bytes):
    make().close()
    assert not folder.exists()

    journal = make()
    with held(journal.take(key)):
        journal.close()
    assert [] == list(folder.glob("*hands*"))


WRITES = """
say("ready")
sys.stdin.readline()
for number in range({first}, {first} + 2000):
    journal.serve(key(number), [0])
    time.sleep(0)
journal.close()
say(journal.trouble)
"""


def test_two_processes_write_at_the_same_time_and_nothing_is_lost(folder: Path):
    with running(folder, WRITES.format(first=0)) as one, running(folder, WRITES.format(first=2000)) as two:
        for process in (one, two):
            assert process.stdin
            print(file=process.stdin, flush=True)
        said = [process.communicate(timeout=60)[0].split() for process in (one, two)]
    journal = HostJournal(folder, HOUR)

    assert [["None"], ["None"]] == said
    assert [] == [number for number in range(4000) if not journal.recall(number.to_bytes(16, "big")).served]
    journal.close()


BEGINS = """
say("ready")
sys.stdin.readline()
journal.serve(key(os.getpid()), [0])
say(journal._was_locked)
say(journal.trouble)
journal.close()
"""


def test_several_processes_begin_at_the_same_time(folder: Path):
    with ExitStack() as stack:
        processes = [stack.enter_context(running(folder, BEGINS)) for _ in range(4)]
        for process in processes:
            assert process.stdin
            print(file=process.stdin, flush=True)
        said = [process.communicate(timeout=60)[0].split() for process in processes]
    journal = HostJournal(folder, HOUR)

    assert [["False", "None"]] * 4 == said
    assert [{0: 0}] * 4 == [journal.recall(process.pid.to_bytes(16, "big")).served for process in processes]
    journal.close()


def test_a_new_file_that_another_process_makes_at_this_moment_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("dispatcher.journal.database.PATIENCE", 1.0)  # a busy machine may not look for a while
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    other.execute("CREATE TABLE other (one)")
    soon = threading.Timer(0.02, other.execute, ["COMMIT"])
    soon.start()
    database = Database(path, notes.SCHEMA)

    assert database.run(lambda connection: notes.rows(connection, b"")) == []
    soon.join()
    other.close()
    database.close()


def test_what_a_killed_process_wrote_is_there(folder: Path):
    with running(folder, "journal.serve(key(1), [0]); journal.settle(key(1)); say('ready'); time.sleep(60)"):
        pass
    journal = HostJournal(folder, HOUR)

    assert {0: 0} == journal.recall((1).to_bytes(16, "big")).served
    assert journal.is_settled((1).to_bytes(16, "big"))
    journal.close()


GROWTH = """
def most(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
journal.serve(key(0), [0])
before = most()
for number in range(1000):
    journal.serve(key(number), range(100))
say(most() - before < {kib})
"""


def test_100_000_notes_take_little_memory(folder: Path):
    assert ["True"] == result(folder, GROWTH.format(kib=20_000))


def test_100_000_notes_in_memory_take_little_too(folder: Path):
    lines = "journal = HostJournal(None, timedelta(hours=1))" + GROWTH.format(kib=20_000)
    assert ["True"] == result(folder, lines)


def test_many_notes_at_once_are_one_transaction(make: Maker, folder: Path, key: bytes):
    make().serve(key, range(10_000))

    [path] = folder.glob("notes*.db")
    with sqlite3.connect(path) as connection:
        assert (10_000,) == connection.execute("SELECT count(*) FROM sent").fetchone()
    connection.close()


KEYS = st.sampled_from([b"a" * 16, b"b" * 16])
SLOTS = st.sets(st.integers(0, 3), max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hand over"), KEYS, SLOTS, st.just(0)),
        st.tuples(st.just("serve"), KEYS, SLOTS, st.integers(0, 3)),
        st.tuples(st.just("serve in hand"), KEYS, SLOTS, st.integers(0, 1)),
        st.tuples(st.just("clear"), KEYS, st.just(set()), st.just(0)),
    ),
    max_size=12,
)


@given(STEPS, st.integers(0, 12), st.booleans())
def test_it_remembers_as_a_table_would(steps: list, since: int, on_disk: bool):  # noqa: FBT001
    clock = Clock()
    start = clock.at
    served: dict[tuple[bytes, int], tuple[float, int]] = {}
    handed: dict[tuple[bytes, int], float] = {}
    journal = FOLDERS.journal(clock) if on_disk else HostJournal(None, HOUR, now=clock)
    for what, key, slots, pieces in steps:
        clock.at += 1
        match what:
            case "hand over":
                journal.hand_over(key, slots)
                handed |= {(key, slot): clock.at for slot in slots}
            case "serve":
                journal.serve(key, slots, pieces)
                served |= {(key, slot): (clock.at, pieces) for slot in slots}
            case "serve in hand":
                with held(journal.take(key)) as hand:
                    hand.serve(slots, pieces, last=True)
                served |= {(key, slot): (clock.at, pieces) for slot in slots}
            case _:
                journal.clear(key)
                handed = {place: at for place, at in handed.items() if place[0] != key}

    after = start + since
    for key in (b"a" * 16, b"b" * 16):
        known = {slot: pieces for (of, slot), (at, pieces) in served.items() if of == key and at >= after}
        doubts = {
            slot
            for (of, slot), at in handed.items()
            if of == key and at >= after and at > served.get((of, slot), (0, 0))[0]
        }
        expected = Record(served=known, unsure=frozenset(doubts - known.keys()))
        assert expected == journal.recall(key, datetime.fromtimestamp(after, UTC))
    journal.close()


class Folders:
    """A new folder for each example of the property."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self.count = 0

    def journal(self, clock: Clock) -> HostJournal:
        assert self.path
        self.count += 1
        return HostJournal(self.path / str(self.count), HOUR, now=clock)


FOLDERS = Folders()


@pytest.fixture(autouse=True, scope="module")
def folders_of_the_property(tmp_path_factory: pytest.TempPathFactory):
    FOLDERS.path = tmp_path_factory.mktemp("examples")
