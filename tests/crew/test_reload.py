"""A reload that cannot even read the settings."""

import asyncio
from pathlib import Path

import pytest

from dispatcher.cli.loop import run_async
from dispatcher.crew import reload
from dispatcher.crew.lead import Lead
from dispatcher.crew.plan import Plan
from dispatcher.crew.reload import Reload
from tests.waiting import until

PLAN = Plan(2, "127.0.0.1", 0, 30.0)


async def asked_for() -> None:
    """Ask for a reload, and wait until it is over."""
    lead = Lead(PLAN, None)
    Reload(lead, None).ask()
    await asyncio.wait(lead._keeping)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("dispatcher")]


def test_settings_that_are_not_read_in_time_end_the_reload_and_who_reads_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    noted = tmp_path / "pid"
    monkeypatch.setattr(reload, "LOOK", 0.5)
    monkeypatch.setattr(reload, "program", lambda *_, **__: ["sh", "-c", f"echo $$ > {noted}; exec sleep 60"])

    async def main() -> None:
        await asked_for()
        await until(lambda: not Path(f"/proc/{noted.read_text().strip()}").exists(), what="it is gone")

    run_async(main())

    assert ["not reloaded, all goes on as it was: the settings could not be read within 0.5 s"] == said(caplog)


def test_a_process_that_cannot_be_started_ends_the_reload(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(reload, "program", lambda *_, **__: [str(tmp_path / "none")])

    run_async(asked_for())

    (sentence,) = said(caplog)
    assert "not reloaded, all goes on as it was: no process can be started: No such file or directory" == sentence
