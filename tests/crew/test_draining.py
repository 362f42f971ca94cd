"""The lead ends its members, one of which does not behave."""

import asyncio
import logging
import sys
from pathlib import Path

import pytest

from dispatcher.cli.loop import run_async
from dispatcher.crew import process
from dispatcher.crew.lead import UNFINISHED, Lead
from dispatcher.crew.plan import Plan
from dispatcher.crew.process import MemberProcess
from dispatcher.crew.wire import Report
from dispatcher.words.health import Health, QueueHealth, State
from tests.waiting import until

BUSY = """
import pathlib, socket, sys, time
wire = socket.socket(fileno=int(sys.argv[1]))
wire.sendall(sys.argv[2].encode())
for line in wire.makefile():
    if line == "hurry\\n":
        time.sleep(0.5)  # it takes a while to give all of it back
        pathlib.Path(sys.argv[3]).touch()
        sys.exit(3)
"""
PARTED = """
import pathlib, socket, sys, time
wire = socket.socket(fileno=int(sys.argv[1]))
wire.sendall(sys.argv[2].encode())
wire.close()  # it has said its last words, and is not gone yet
while not pathlib.Path(sys.argv[3]).exists():
    time.sleep(0.01)
"""


@pytest.fixture
def given_back(tmp_path: Path) -> Path:
    """What the busy member makes when it has given back what was in hand."""
    return tmp_path / "given back"


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch, given_back: Path) -> dict[int, str]:
    """The programs of the members, by number."""
    programs = {1: BUSY, 2: BUSY}

    def program(*arguments: str, config: Path | None) -> list[str]:
        number, _, wire = arguments[-1].split("/")
        return [sys.executable, "-c", programs[int(number)], wire, Report(up=True).written().decode(), str(given_back)]

    monkeypatch.setattr(process, "program", program)
    return programs


async def led(parted: int | None = None) -> int:
    """Lead two members until the second signal has ended them, and one's closed wire was noticed before it."""
    lead = Lead(Plan(2, "127.0.0.1", 0, 30.0), None)
    leading = asyncio.create_task(lead.run())
    await until(lambda: all(one and one.report.up for one in lead._seats.values()) and len(lead._seats) == 2)
    seats = dict(lead._seats)
    lead.stop()
    await until(lambda: all(one.asked for one in seats.values()))
    if parted is not None:
        await until(seats[parted]._writer.is_closing)
    lead.stop()
    return await leading


@pytest.mark.parametrize("parted", [1, 2])
def test_a_member_that_parts_costs_the_others_nothing(
    parted: int, members: dict[int, str], given_back: Path, caplog: pytest.LogCaptureFixture
):
    members[parted] = PARTED

    assert UNFINISHED == run_async(led(parted))
    assert given_back.exists()
    assert [] == [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]


@pytest.mark.parametrize("order", ["stop", "hurry"])
def test_what_goes_wrong_with_one_member_costs_the_others_nothing(
    order: str,
    members: dict[int, str],
    given_back: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    members[1] = PARTED
    told = getattr(MemberProcess, order)

    def tell(one: MemberProcess) -> None:
        told(one)
        if one.number == 1:
            raise RuntimeError("it is strange")

    monkeypatch.setattr(MemberProcess, order, tell)

    assert UNFINISHED == run_async(led())
    assert given_back.exists()
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert ["process 1 could not be told, which must not happen"] == said


def test_who_says_nothing_for_long_is_not_counted(members: dict[int, str], monkeypatch: pytest.MonkeyPatch):
    """It hangs, or somebody stopped it: its last report says nothing of how it is doing."""
    monkeypatch.setattr(process, "SILENCE", 1.0)

    async def counted() -> tuple[object, object, bool]:
        lead = Lead(Plan(2, "127.0.0.1", 0, 30.0), None)
        leading = asyncio.create_task(lead.run())
        await until(lambda: all(one and one.report.up for one in lead._seats.values()) and len(lead._seats) == 2)
        for one in filter(None, lead._seats.values()):
            one.report = Report(up=True, health=Health({"email": QueueHealth(State.TAKING, None, None)}))
        before = lead.health.processes
        await until(lambda: all(one and one.silent for one in lead._seats.values()))
        after, ready = lead.health.processes, lead.health.ready
        lead.stop()
        lead.stop()
        await leading
        return before, after, ready

    assert ((2, 2), (0, 2), False) == run_async(counted())
