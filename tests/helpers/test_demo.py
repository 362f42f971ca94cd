"""`make demo` and `make up`: green only when each mail was seen, and nothing left behind."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from helpers import demo
from helpers.caught_mail import Mail
from helpers.rabbitmq import ROOT, VARIABLE
from tests.helpers.left_behind import left_behind, nothing_left


@pytest.fixture
def clone(tmp_path):
    """A copy of what the demonstration needs, in a path with a space."""
    home = tmp_path / "a clone"
    for folder in ("helpers", "dispatcher", "templates"):
        shutil.copytree(ROOT / folder, home / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return home


def start(clone, node, *arguments):
    return subprocess.Popen(
        [sys.executable, clone / "helpers" / "demo.py", *arguments],
        env={**os.environ, VARIABLE: node.url, "DISPATCHER_NOTIFIERS__EMAIL__HOST": "smtp.example.org"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_demonstration_ends_by_itself(clone, node):
    """Exit code 0, each template in the table, a broker that was there left alone, a configured mail server too."""
    with start(clone, node) as program:
        output, errors = program.communicate(timeout=60)

    assert program.returncode == 0, errors
    for template in ("confirm_email", "events/status_changed", "custom"):
        assert template in output
    assert "missing" not in output
    assert node.running
    assert nothing_left(clone), left_behind(clone)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_staying_ends_with_a_signal(clone, node, number):
    """The addresses are printed; then it waits, and ends in order."""
    with start(clone, node, "--stay") as program:
        for line in program.stdout:
            if "Ctrl-C" in line:
                break
        program.send_signal(number)
        assert program.wait(30) == 0

    assert nothing_left(clone), left_behind(clone)


def test_a_daemon_that_does_not_start_is_said(clone, node):
    """Exit code 1, with the end of its log."""
    (clone / "dispatcher" / "main.py").write_text("import sys; sys.exit('no luck today')")

    with start(clone, node) as program:
        _, errors = program.communicate(timeout=60)

    assert program.returncode == 1
    assert "no luck today" in errors
    assert "ended while it was starting" in errors
    assert "Traceback" not in errors
    assert nothing_left(clone), left_behind(clone)


class Catcher:
    """Holds what was caught."""

    def __init__(self, *caught):
        self.mails = [
            Mail(number, 1.0, "", tuple(recipients), f"Message-ID: <{name}>\r\nSubject: [x]\r\n\r\n".encode())
            for number, (name, *recipients) in enumerate(caught)
        ]


def test_a_mail_is_known_by_its_id_and_its_recipient():
    """Also where one notification became a personal mail for each; somebody else's mail counts for nothing."""
    told = {"message_id": "abc", "template": "custom", "to": ["a@x", "b@x"], "mails": 2, "published": 0.5}
    expected = demo.asked_for(told)

    seen = demo.seen(expected, Catcher(("abc.0@example.org", "a@x"), ("other@example.org", "b@x")))

    assert [mail.to for mail in expected] == ["a@x", "b@x"]
    assert [mail.to for mail in seen] == ["a@x"]
    assert len(demo.asked_for({**told, "mails": 1})) == 1


def test_a_missing_mail_is_a_failure(monkeypatch, capsys):
    """With how many are missing, and a table that shows which."""
    monkeypatch.setattr(demo, "PATIENCE", 0.05)
    expected = demo.asked_for({"message_id": "abc", "template": "custom", "to": ["a@x"], "mails": 1, "published": 0.5})
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as daemon:
        with pytest.raises(demo.DemoFailure, match="1 of 1 mails did not arrive"):
            demo.await_mails(expected, Catcher(), daemon)
        daemon.kill()

    assert "missing" in capsys.readouterr().out
