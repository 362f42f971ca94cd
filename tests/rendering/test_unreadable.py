"""Where files cannot be read at all, nothing is missing: it is an outage, and what is known goes on."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dispatcher.rendering import editions
from dispatcher.words.errors import Failure

OUTAGE = ("outage", "templates-unreadable")


def gone(folder: Path) -> str:
    folder.rename(folder.with_name("elsewhere"))
    return "No such file or directory"


def a_file(folder: Path) -> str:
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("in its place")
    return "Not a directory"


def a_loop(folder: Path) -> str:
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to(folder)
    return "Too many levels of symbolic links"


def back(folder: Path) -> None:
    folder.unlink(missing_ok=True)
    folder.with_name("elsewhere").rename(folder)


@pytest.mark.parametrize("harm", [gone, a_file, a_loop])
def test_a_folder_that_cannot_be_read_is_an_outage_until_it_can(templates, harm):
    templates.write("email/a.txt.jinja2", "good")
    assert templates.text() == "good"
    why = harm(templates.folder)
    text = (
        f"the folder of templates {templates.folder} cannot be read: {why}; "
        "look after the file system, or set service.templates.path"
    )

    assert (*OUTAGE, text) == templates.failure()
    assert (*OUTAGE, text) == templates.failure(name="never/seen")
    with pytest.raises(Failure, match="cannot be read"):
        templates.renderer.check()

    back(templates.folder)
    templates.renderer.check()
    assert templates.text() == "good"
    assert templates.failure(name="never/seen")[:2] == ("transient", "template-missing")
    assert templates.said == []


def test_a_folder_of_the_queue_that_cannot_be_read_is_an_outage_and_one_that_there_is_not_is_none(templates):
    templates.write("a.jinja2", "flat")
    templates.renderer.check()
    (templates.folder / "email").symlink_to("email")

    assert templates.failure(name="b")[:2] == OUTAGE
    with pytest.raises(Failure, match="/email cannot be read: Too many levels"):
        templates.renderer.check()


def test_one_file_that_is_a_loop_is_missing_alone(templates):
    templates.write("email/a.txt.jinja2", "good")
    (templates.folder / "email" / "b.txt.jinja2").symlink_to("b.txt.jinja2")

    assert templates.failure(name="b")[:2] == ("transient", "template-missing")
    assert templates.text() == "good"


FEW_FILES = """
import errno, json, os, resource, sys
from pathlib import Path
from dispatcher.rendering.renderer import Renderer
from dispatcher.rendering.settings import TemplateSettings
from dispatcher.words.errors import Failure
from dispatcher.words.texts import Dialect

said = []
folder = Path(sys.argv[1])
renderer = Renderer(TemplateSettings(path=folder), "email", {"txt": Dialect.PLAIN}, on_broken=said.append)


def outcome(name):
    try:
        return renderer.render(name, {}).texts["txt"]
    except Failure as failure:
        return [failure.kind, failure.reason, failure.text]


told = {"before": outcome("seen")}
resource.setrlimit(resource.RLIMIT_NOFILE, (40, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
taken = []
try:
    while True:
        taken.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    assert error.errno == errno.EMFILE
other = folder / "email" / "seen.txt.jinja2"
os.utime(other, (1, 1))  # it seems to have changed
told["during"] = [outcome(name) for name in ("seen", "seen", "new", "missing")]
for number in taken:
    os.close(number)
told["after"] = [outcome(name) for name in ("seen", "new")] + [outcome("missing")[1]]
told["said"] = said
print(json.dumps(told))
"""


def test_without_a_file_descriptor_left_nothing_is_missing_or_broken(tmp_path):
    """In a process that has really run out of them."""
    email = tmp_path / "email"
    email.mkdir()
    for name in ("seen", "new"):
        (email / f"{name}.txt.jinja2").write_text(name)
        os.utime(email / f"{name}.txt.jinja2", (0, 0))
    done = subprocess.run(
        [sys.executable, "-c", FEW_FILES, tmp_path],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    told = json.loads(done.stdout)
    sentence = "cannot be read: Too many open files; allow the dispatcher more open files (ulimit -n)"

    assert told["before"] == "seen"
    assert told["during"] == [
        "seen",
        "seen",
        [*OUTAGE, f"email/new.txt.jinja2 {sentence}"],
        [*OUTAGE, f"the folder of templates {tmp_path} {sentence}"],
    ]
    assert told["after"] == ["seen", "new", "template-missing"]
    assert told["said"] == [f"email/seen.txt.jinja2 {sentence}; going on with the version before"]


@pytest.fixture
def ill(monkeypatch):
    """Let each look at a file and each reading of one fail, as on a server of files that is away; say with what."""

    def harm(number):
        def fail(*_, **__):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("dispatcher.rendering.files.os.stat", fail)
        monkeypatch.setattr("pathlib.Path.read_text", fail)

    return harm


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOTCONN])
def test_a_file_system_that_is_away_costs_what_was_seen_nothing_and_the_rest_waits(templates, ill, monkeypatch, number):
    templates.write("email/a.txt.jinja2", "good {% include part ignore missing %}")
    templates.write("email/a.html.jinja2", "good")
    assert templates.text(part="none") == "good "
    with monkeypatch.context() as away:
        away.setattr(editions, "_PATIENCE", 0.0)
        ill(number)
        assert templates.text(part="none") == "good "
        assert templates.text(part="none") == "good "
        assert templates.failure(name="b")[:2] == OUTAGE
        assert templates.failure(part="other")[:2] == OUTAGE
        why = f"cannot be read: {os.strerror(number)}; look after the file system, or set service.templates.path"
        assert templates.said == [
            f"email/a.{form}.jinja2 {why}; going on with the version before" for form in ("html", "txt")
        ]


def test_what_could_not_be_read_is_read_again_though_it_has_not_changed(templates, monkeypatch):
    templates.write("email/a.txt.jinja2", "fine")
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.read_text", _input_output_error)
        assert templates.failure()[:2] == OUTAGE

    assert templates.text() == "fine"


def _input_output_error(*_, **__):
    raise OSError(errno.EIO, "Input/output error")
