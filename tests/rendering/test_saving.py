"""A file that is being written, slowly and in place, is never used half; nobody sees an old one for long either."""

import asyncio
import os
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from dispatcher.rendering import files
from tests.rendering.conftest import Templates
from tests.waiting import until

pytestmark = pytest.mark.alone

OLD = "old " + "o" * 996
NEW = "new " + "n" * 1996
HOUR = 3600


@pytest.fixture
def templates(tmp_path: Path):
    """A folder with one template that has been as it is for an hour, and was used."""
    (tmp_path / "templates").mkdir()
    folder = Templates(tmp_path / "templates")
    folder.write("email/a.txt.jinja2", OLD)
    age(folder.folder / "email/a.txt.jinja2")
    assert folder.text() == OLD
    return folder


def age(path: Path) -> None:
    os.utime(path, (time.time() - HOUR, time.time() - HOUR))


def write_slowly(path: Path, text: str, pieces: int = 10, pause: float = 0.03) -> None:
    size = len(text) // pieces
    with path.open("w") as file:
        for start in range(0, len(text), size):
            time.sleep(pause)
            file.write(text[start : start + size])
            file.flush()


def rename_into(path: Path, text: str) -> None:
    other = path.with_suffix(".new")
    other.write_text(text)
    other.replace(path)


async def saved_text(templates: Templates, name: str = "a") -> str:
    return (await templates.renderer.render_once_saved(name, {})).texts["txt"]


def test_half_a_file_is_never_used_while_it_is_written_in_place(templates):
    path = templates.folder / "email/a.txt.jinja2"
    writer = threading.Thread(target=write_slowly, args=(path, NEW))
    writer.start()
    seen = []
    while not seen or seen[-1] != NEW:
        seen.append(templates.text())
        assert len(seen) < 1_000_000
    writer.join()

    assert {OLD, NEW} == set(seen)
    assert seen == sorted(seen, key=[OLD, NEW].index)
    assert templates.said == []


async def test_who_waits_for_the_save_gets_the_new_text_at_once(templates):
    path = templates.folder / "email/a.txt.jinja2"
    path.write_text(NEW)
    began = time.monotonic()

    assert [NEW] * 20 == await asyncio.gather(*(saved_text(templates) for _ in range(20)))
    assert time.monotonic() - began < 1
    assert templates.said == []


async def test_a_thousand_renderings_during_a_save_are_old_or_new_and_none_is_half(templates):
    path = templates.folder / "email/a.txt.jinja2"
    saving = asyncio.create_task(asyncio.to_thread(write_slowly, path, NEW))
    seen = [OLD]

    async def render() -> None:
        seen.append(await saved_text(templates))

    async with asyncio.TaskGroup() as group:
        for _ in range(1_000):
            group.create_task(render())
            await asyncio.sleep(0.0005)
    await saving
    seen.append(await saved_text(templates))

    assert {OLD, NEW} == set(seen)
    assert templates.said == []


async def test_a_save_that_takes_for_ever_holds_nobody_up_for_more_than_a_second_or_so(templates):
    path = templates.folder / "email/a.txt.jinja2"
    writer = threading.Thread(target=write_slowly, args=(path, NEW, 40, 0.05))
    writer.start()
    began = time.monotonic()

    assert OLD == await saved_text(templates)
    assert time.monotonic() - began < 1.8
    writer.join()
    assert NEW == await saved_text(templates)


def test_a_file_that_is_renamed_into_its_place_is_used_at_once(templates):
    rename_into(templates.folder / "email/a.txt.jinja2", NEW)

    assert templates.text() == NEW


def test_a_save_by_renaming_is_never_caught_half_way(templates):
    path = templates.folder / "email/a.txt.jinja2"
    texts = [OLD, *(f"{number} " * 500 for number in range(50))]
    for before, text in pairwise(texts):
        writer = threading.Thread(target=rename_into, args=(path, text))
        writer.start()
        while writer.is_alive():
            assert templates.text() in {before, text}
        assert templates.text() == text


def test_a_broken_save_is_said_once_it_stays_so(templates):
    path = templates.folder / "email/a.txt.jinja2"
    path.write_text("{% if %}")
    assert templates.text() == OLD
    assert templates.said == []

    age(path)
    assert templates.text() == OLD
    assert len(templates.said) == 1


async def test_a_part_that_is_being_saved_is_waited_for_too(templates):
    templates.write("email/b.txt.jinja2", "{% include 'part' %}")
    templates.write("part", OLD)
    for name in ("email/b.txt.jinja2", "part"):
        age(templates.folder / name)
    assert templates.text("b") == OLD

    (templates.folder / "part").write_text(NEW)

    assert templates.text("b") == OLD
    assert NEW == await saved_text(templates, "b")


async def test_the_first_time_a_file_is_used_it_is_waited_for_as_well(templates):
    path = templates.folder / "email/fresh.txt.jinja2"
    writer = threading.Thread(target=write_slowly, args=(path, NEW, 5))
    writer.start()
    await until(path.exists)

    assert NEW == await saved_text(templates, "fresh")
    writer.join()


def test_a_time_to_come_keeps_nobody_waiting(templates):
    path = templates.folder / "email/a.txt.jinja2"
    path.write_text(NEW)
    os.utime(path, (time.time() + HOUR, time.time() + HOUR))

    assert templates.text() == NEW


async def test_what_is_missing_is_not_waited_for(templates):
    began = time.monotonic()
    with pytest.raises(Exception, match="is missing"):
        await templates.renderer.render_once_saved("nowhere", {})

    assert time.monotonic() - began < files.SAVING
