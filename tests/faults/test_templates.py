"""The templates go, come back, and are saved while mails flow."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.bench import LONG, MESSAGES, TEMPLATE, Bench
from tests.faults.count import Promise
from tests.faults.outages import over, paused, pauses
from tests.smtp_server import SmtpServer
from tests.waiting import until

SAVES = 20 if LONG else 5
LINES = 2_000
HALF = 0.1
"""Seconds between the first and the second half of a save in place."""


def page(edition: int) -> str:
    """Write a long template whose every line tells the edition."""
    return f"{edition}\n" * LINES + "{{ name }}\n"


async def renamed(path: Path, text: str) -> None:
    """Save as careful programs do."""
    new = path.with_name("new")
    new.write_text(text)
    new.replace(path)
    await asyncio.sleep(HALF)


async def in_place(path: Path, text: str) -> None:
    """Save as most programs do, slowly: what is there in between is half a file."""
    with path.open("w") as file:
        file.write(text[: len(text) // 2])
        file.flush()
        await asyncio.sleep(HALF)
        file.write(text[len(text) // 2 :])


def moved(folder: Path) -> Callable[[], None]:
    away = folder.with_name("away")
    folder.rename(away)
    return lambda: away.replace(folder)


def hidden_by_a_file(folder: Path) -> Callable[[], None]:
    back = moved(folder)
    folder.write_text("not a folder")

    def undo() -> None:
        folder.unlink()
        back()

    return undo


@pytest.mark.parametrize("harm", [moved, hidden_by_a_file])
async def test_their_folder_is_away(bench: Bench, harm: Callable[[Path], Callable[[], None]]):
    await bench.publish()
    async with bench.fault():
        undo = harm(bench.folder / "templates")
        await bench.start(service__templates__path="templates")  # else the shipped ones would be taken
        await paused(bench)
        undo()
        await over(bench)

    await bench.verdict(f"folder of templates {'moved away' if harm is moved else 'replaced by a file'}")
    assert 1 == pauses(bench)


@pytest.mark.parametrize("harm", [moved, hidden_by_a_file])
async def test_their_folder_goes_while_mails_flow(bench: Bench, harm: Callable[[Path], Callable[[], None]]):
    """What was seen to be good is used on; or the queue pauses. Either way nobody notices."""
    await bench.publish()
    await bench.start()
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        undo = harm(bench.folder / "templates")
        await asyncio.sleep(1)  # the fault itself
        undo()

    name = "moved away" if harm is moved else "replaced by a file"
    await bench.verdict(f"folder of templates {name} while mails flow")


@pytest.mark.parametrize("save", [renamed, in_place])
async def test_a_template_is_saved_while_mails_flow(bench: Bench, smtp: SmtpServer, save):
    path = bench.folder / "templates" / "email" / "hello.txt.jinja2"
    path.write_text(page(0))
    await bench.publish(1_000 if LONG else 300)
    await bench.start()
    await bench.sent(1)
    async with bench.fault():
        for edition in range(1, SAVES + 1):
            await save(path, page(edition))
        await until(
            lambda: any(_editions(mail.data) == {str(SAVES)} for mail in smtp.mails), what="the last one is used"
        )

    how = "by renaming" if save is renamed else "in place, slowly"
    await bench.verdict(f"template saved {SAVES} times {how}")
    assert {(1, LINES)} == {(len(_editions(mail.data)), _length(mail.data)) for mail in smtp.mails}


def _editions(data: bytes) -> set[str]:
    return set(re.findall(r"^(\d+)\r?$", data.decode(), re.MULTILINE))


def _length(data: bytes) -> int:
    return len(re.findall(r"^\d+\r?$", data.decode(), re.MULTILINE))


async def test_a_broken_template_is_mended(bench: Bench):
    """Not a broken save: it never was any good. That is the template's fault, not the service's, and costs attempts."""
    path = bench.folder / "templates" / "email" / "hello.txt.jinja2"
    path.write_text("{% if %}")
    await bench.publish()
    async with bench.fault():
        await bench.start()
        await until(lambda: any(one["outcome"] == "deferred" for one in bench.lines()))
        path.write_text(TEMPLATE)

    await bench.verdict("template broken, mended on the way down the ladder", Promise(burnt=None))
