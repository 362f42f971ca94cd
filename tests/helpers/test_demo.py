"""`make demo` and `make up`: green only when each mail was seen, and nothing left behind."""

import os
import shutil
import signal
import subprocess
import sys
from typing import NamedTuple

import aio_pika
import pika
import pytest

from helpers import demo, demo_broker, rabbitmq
from helpers.caught_mail import Mail
from helpers.rabbitmq import ROOT, VARIABLE
from tests.helpers.left_behind import left_behind, nothing_left


class Address(NamedTuple):
    """Where to look for a broker."""

    url: str


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


@pytest.fixture
def waiting(node):
    """Somebody's message in the queue `email` of a broker, in a virtual host of the test."""
    parameters = pika.URLParameters(node.url)
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        channel.queue_delete("email")
        channel.queue_declare("email", durable=True)
        channel.confirm_delivery()
        channel.basic_publish("", "email", b"somebody's")
        yield channel
        channel.queue_delete("email")


def test_a_waiting_message_of_somebody_is_not_touched(clone, node, waiting):
    """A private node is used instead, and gone afterwards; the message lies there as it lay."""
    with start(clone, node) as program:
        output, errors = program.communicate(timeout=90)

    assert program.returncode == 0, errors
    assert "is left alone: its queue email is in use (messages: 1, consumers: 0). Using one of our own." in errors
    assert "RabbitMQ: a private node" in output
    method, _, body = waiting.basic_get("email", auto_ack=True)
    assert (body, method.redelivered) == (b"somebody's", False)
    assert nothing_left(clone), left_behind(clone)
    assert not list((clone / ".run").glob("rabbitmq-*"))


async def test_only_a_queue_that_nobody_uses_is_used(node, virtual_host):
    """No queue and an empty one are fine; a consumer is not, nor a broker that does not let us look."""
    url = node.url + virtual_host
    assert await demo_broker.look(url) is None
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("email", durable=True)
        assert await demo_broker.look(url) is None
        async with queue.iterator():
            assert await demo_broker.look(url) == "its queue email is in use (messages: 0, consumers: 1)"

    assert "does not let us look" in await demo_broker.look(url.replace("guest:guest", "guest:wrong"))
    assert "does not let us look" in await demo_broker.look(node.url + "nowhere")


def test_where_there_is_no_other_broker_it_says_what_to_do(monkeypatch, capsys):
    """Exit code 2, in one sentence."""

    def nothing():
        raise rabbitmq.NoBroker("apt-get failed\nand says why")

    async def used(_url):
        return "its queue email is in use (messages: 1, consumers: 0)"

    monkeypatch.setattr(rabbitmq, "find", lambda: rabbitmq.Broker("amqp://mq.example/", "found running"))
    monkeypatch.setattr(rabbitmq, "ensure_server", nothing)
    monkeypatch.setattr(demo_broker, "look", used)
    monkeypatch.setattr(sys, "argv", ["demo.py"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    assert demo.main() == 2
    (_, sentence) = capsys.readouterr().err.splitlines()
    assert sentence.startswith("RabbitMQ at mq.example:5672 is not for us, its queue email is in use")
    assert sentence.endswith("to a virtual host that nobody uses.")


def test_beside_one_that_stays_another_one_works(clone):
    """Both get each of their mails, and nothing of the other's."""
    nowhere = Address("amqp://127.0.0.1:1/")
    with start(clone, nowhere, "--stay") as stays:
        for line in stays.stdout:
            if "Ctrl-C" in line:
                break
        with start(clone, nowhere) as program:
            output, errors = program.communicate(timeout=90)
        stays.send_signal(signal.SIGTERM)
        assert stays.wait(30) == 0

    assert program.returncode == 0, errors
    assert "missing" not in output
    assert "is left alone" in errors
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
