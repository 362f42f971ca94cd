"""Templates that Kubernetes mounts: links into a folder that is replaced as a whole, by one renaming."""

import shutil
import threading
from itertools import count
from pathlib import Path

import pytest

from tests.rendering.conftest import Templates

LAYOUT = "{% block body %}{% endblock %} layout "
PAGE = "{% extends 'layouts/base.txt.jinja2' %}{% block body %}page "


class Volume:
    """A projected volume, or the one of a ConfigMap, as kubelet's AtomicWriter lays it out.

    Args:
        folder: where it is mounted.

    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()

    def update(self, files: dict[str, str]) -> None:
        """Replace everything: a new folder, a link to it renamed over the one before, then the old folder goes."""
        data = self._folder / "..data"
        before = data.resolve() if data.is_symlink() else None
        new = self._folder / f"..2026_11_21_12_00_{next(self._numbers):02}.1"
        for name, text in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (self._folder / "..data_tmp").symlink_to(new.name)
        (self._folder / "..data_tmp").replace(data)
        wanted = {name.partition("/")[0] for name in files}
        for link in self._folder.iterdir():
            if not link.name.startswith("..") and link.name not in wanted:
                link.unlink()
        for name in wanted - {link.name for link in self._folder.iterdir()}:
            (self._folder / name).symlink_to(f"..data/{name}")
        if before is not None:
            shutil.rmtree(before)


@pytest.fixture
def volume(templates: Templates) -> Volume:
    return Volume(templates.folder)


def edited(number: int) -> dict[str, str]:
    """Give a page and its layout, both with the same number."""
    return {
        "email/events/a.txt.jinja2": f"{PAGE}{number}{{% endblock %}}",
        "email/layouts/base.txt.jinja2": f"{LAYOUT}{number}",
    }


def test_what_was_edited_is_used_by_the_next_message(templates: Templates, volume: Volume):
    seen = []
    for number in range(3):
        volume.update(edited(number))
        seen.append(templates.text("events/a"))

    assert [f"page {number} layout {number}" for number in range(3)] == seen
    assert [] == templates.said


def test_what_was_added_is_found_and_what_was_taken_away_is_missing(templates: Templates, volume: Volume):
    volume.update({"email/a.txt.jinja2": "a"})
    assert "a" == templates.text("a")

    volume.update({"email/b.txt.jinja2": "b", "c.jinja2": "<p>c</p>"})
    assert "b" == templates.text("b")
    assert "<p>c</p>" == templates.html("c")
    assert "template-missing" == templates.failure(name="a")[1]


def test_a_typo_goes_on_with_the_version_before(templates: Templates, volume: Volume):
    volume.update({"email/a.txt.jinja2": "good"})
    assert "good" == templates.text("a")

    volume.update({"email/a.txt.jinja2": "{% if %}"})
    assert "good" == templates.text("a")
    assert 1 == len(templates.said)


def test_page_and_layout_are_never_of_two_versions(templates: Templates, volume: Volume):
    volume.update(edited(0))
    assert "page 0 layout 0" == templates.text("events/a")
    writer = threading.Thread(target=lambda: [volume.update(edited(number)) for number in range(1, 200)])
    writer.start()
    seen = set()
    while writer.is_alive():
        seen.add(templates.text("events/a"))
    writer.join()

    assert {f"page {number} layout {number}" for number in range(200)} >= seen
    assert [] == templates.said


def test_each_template_is_checked_once(templates: Templates, volume: Volume):
    volume.update({"email/a.txt.jinja2": "a", "email/events/b.html.jinja2": "b", "flat.jinja2": "flat"})

    assert [
        ("email/a.txt.jinja2", None),
        ("email/events/b.html.jinja2", None),
        ("flat.jinja2", None),
    ] == templates.renderer.compile_all()


def test_the_folder_of_a_queue_may_be_a_mount_of_its_own(templates: Templates):
    (templates.folder / "email").mkdir()
    volume = Volume(templates.folder / "email")
    for text in ("old", "new"):
        volume.update({"a.txt.jinja2": text})
        assert text == templates.text("a")

    assert [("email/a.txt.jinja2", None)] == templates.renderer.compile_all()
