"""Journals in folders of their own, and a clock that can be set."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dispatcher.journal import HostJournal

HOUR = timedelta(hours=1)


class Clock:
    """A clock that goes when it is told."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


Maker = Callable[..., HostJournal]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "the state of this host" / "journal"


@pytest.fixture
def make(folder: Path, clock: Clock) -> Iterator[Maker]:
    """Make a journal as another process would; they are closed at the end."""
    made: list[HostJournal] = []

    def one(path: Path | None = folder, keep: timedelta = HOUR) -> HostJournal:
        made.append(HostJournal(path, keep, now=clock))
        return made[-1]

    yield one
    for journal in made:
        journal.close()


@pytest.fixture
def journal(make: Maker) -> HostJournal:
    return make()


@pytest.fixture
def key() -> bytes:
    return b"0123456789abcdef"
