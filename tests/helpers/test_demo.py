"""`make demo` and `make up`: green only when all was seen that was promised, and nothing left behind."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from typing import NamedTuple

import aio_pika
import httpx
import pika
import pytest

from helpers import demo, demo_broker, rabbitmq
from helpers.notifications import QUEUES
from helpers.parameters import GENERATORS
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
        shutil.copytree(ROOT / folder, home / folder)  # what is compiled too: each demonstration would do it again
    return home


@pytest.fixture
def place(node, virtual_host):
    """A broker in which nobody else is."""
    return Address(node.url + virtual_host)


def start(clone, place, *arguments):
    return subprocess.Popen(
        [sys.executable, clone / "helpers" / "demo.py", *arguments],
        env={
            **os.environ,
            VARIABLE: place.url,
            "DISPATCHER_NOTIFIERS__EMAIL__HOST": "smtp.example.org",
            "DISPATCHER_NOTIFIERS__SLACK__API_URL": "https://slack.example.org",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(clone, place, patience=90):
    """Let it end by itself; give exit code, output, errors."""
    with start(clone, place) as program:
        output, errors = program.communicate(timeout=patience)
    return program.returncode, output, errors


async def test_the_demonstration_ends_by_itself(clone, node, place, management, virtual_host):
    """Exit code 0; each template of each queue, what failed twice, the dead letter; nothing is left in the broker."""
    code, output, errors = await asyncio.to_thread(run, clone, place)

    assert code == 0, errors
    for queue in QUEUES:
        for template in GENERATORS:
            assert re.search(rf"│ {queue} +│ {template} +│ .+ ms +│ +1 │", output)
    assert re.search(r"│ email +│ confirm_email +│ 451-twice@example.org .+ ms +│ +3 │", output)
    assert len(re.findall(r"│ [12] +│ deferred .+ 451 4\.3\.0 .+│ [12]s +│", output)) == 2
    assert re.search(r"│ 3 +│ accepted", output)
    assert re.search(r"reason +│ no-such-recipient", output)
    assert re.search(r"text +│ 127.0.0.1:\d+ answered RCPT TO <550@example.org> with: 550 5.1.1 No such user", output)
    assert "missing" not in output
    assert node.running
    assert await management.call("GET", f"queues/{virtual_host}") == []
    assert "dispatcher" not in [one["name"] for one in await management.call("GET", f"exchanges/{virtual_host}")]
    assert nothing_left(clone), left_behind(clone)


async def test_a_message_that_does_not_arrive_is_a_failure(clone, place, management, virtual_host):
    """Exit code 1, in a sentence; its dead letter is one too many, and taken away all the same."""
    (clone / "templates" / "slack" / "custom.md.jinja2").write_text("{{ nobody }}")

    code, output, errors = await asyncio.to_thread(run, clone, place)

    assert code == 1
    assert re.search(r"slack +│ custom +│ .+ missing", output)
    last = errors.splitlines()[-1]
    assert re.match(r"[123] of \d+ messages did not arrive: slack custom to #", last)
    assert "There are more dead letters than one: slack.dead: #" in last
    assert "(parameter-missing)" in last
    assert "Traceback" not in errors
    assert await management.call("GET", f"queues/{virtual_host}") == []
    assert nothing_left(clone), left_behind(clone)


def test_a_dead_letter_that_is_missing_is_a_failure(clone, place):
    """Exit code 1, in a sentence."""
    program = clone / "helpers" / "demo.py"
    program.write_text(program.read_text().replace('NEVER_ARRIVES = "550@', 'NEVER_ARRIVES = "arrives@'))

    code, output, errors = run(clone, place)

    assert code == 1
    assert "What will never arrive" not in output
    assert errors.splitlines()[-1].startswith("The dead letter is missing in email.dead. The daemon's log: ")
    assert nothing_left(clone), left_behind(clone)


def test_an_attempt_too_many_is_a_failure(clone, place):
    """Exit code 1, in a sentence, also where everything arrives."""
    program = clone / "helpers" / "demo.py"
    program.write_text(program.read_text().replace('FAILS_TWICE = "451-twice@', 'FAILS_TWICE = "451-once@'))

    code, _, errors = run(clone, place)

    assert code == 1
    assert re.match(
        r"1 of \d+ messages took another number of attempts than they should have: "
        r"email confirm_email to 451-once@example\.org\.",
        errors.splitlines()[-1],
    )


def test_a_waiting_message_of_somebody_is_not_touched(clone, place):
    """A private node is used instead, and gone afterwards; the message lies there as it lay."""
    with pika.BlockingConnection(pika.URLParameters(place.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("slack", durable=True)
        channel.confirm_delivery()
        channel.basic_publish("", "slack", b"somebody's")

        code, output, errors = run(clone, place)

        method, _, body = channel.basic_get("slack", auto_ack=True)
    assert code == 0, errors
    assert "is left alone: its queue slack is in use (messages: 1, consumers: 0). Using one of our own." in errors
    assert "RabbitMQ: a private node" in output
    assert (body, method.redelivered) == (b"somebody's", False)
    assert nothing_left(clone), left_behind(clone)
    assert not list((clone / ".run").glob("rabbitmq*"))


@pytest.mark.parametrize("name", ["email", "telegram", "slack", "email.dead", "slack.retry.10s", "telegram.retry.3s"])
async def test_only_queues_that_nobody_uses_are_used(node, virtual_host, name):
    """No queue and an empty one are fine; a message is not, nor a consumer."""
    url = node.url + virtual_host
    assert await demo_broker.look(url) is None
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(name, durable=True)
        assert await demo_broker.look(url) is None
        async with queue.iterator():
            assert await demo_broker.look(url) == f"its queue {name} is in use (messages: 0, consumers: 1)"
        await channel.default_exchange.publish(aio_pika.Message(b"somebody's"), name)
        assert await demo_broker.look(url) == f"its queue {name} is in use (messages: 1, consumers: 0)"


async def test_a_broker_that_does_not_let_us_look_is_not_used(node):
    """A wrong password, a virtual host that is not there."""
    assert "does not let us look" in await demo_broker.look(node.url.replace("guest:guest", "guest:wrong"))
    assert "does not let us look" in await demo_broker.look(node.url + "nowhere")


def test_where_there_is_no_other_broker_it_says_what_to_do(monkeypatch, capsys):
    """Exit code 2, in one sentence."""

    def nothing():
        raise rabbitmq.NoBroker("apt-get failed\nand says why")

    async def used(_url):
        return "its queue email is in use (messages: 1, consumers: 0)"

    monkeypatch.setattr(rabbitmq, "configured", lambda: rabbitmq.Broker("amqp://mq.example/", "found running"))
    monkeypatch.setattr(rabbitmq, "ensure_server", nothing)
    monkeypatch.setattr(demo_broker, "look", used)
    monkeypatch.setattr(sys, "argv", ["demo.py"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    assert demo.main() == 2
    (_, sentence) = capsys.readouterr().err.splitlines()
    assert sentence.startswith("RabbitMQ at mq.example:5672 is not for us, its queue email is in use")
    assert sentence.endswith("to a virtual host that nobody uses.")


def test_beside_one_that_stays_another_one_works(clone):
    """Both get all of theirs, and nothing of the other's."""
    nowhere = Address("amqp://127.0.0.1:1/")
    with start(clone, nowhere, "--stay") as stays:
        for line in stays.stdout:
            if "Ctrl-C" in line:
                break
        code, output, errors = run(clone, nowhere)
        stays.send_signal(signal.SIGTERM)
        assert stays.wait(30) == 0, stays.stderr.read()

    assert code == 0, errors
    assert "missing" not in output
    assert "RabbitMQ: a private node" in output
    assert nothing_left(clone), left_behind(clone)


def test_staying_ends_with_a_signal(clone, place):
    """The sandbox shows what arrived, the settings that are named work; then it waits, and ends in order."""
    with start(clone, place, "--stay") as program:
        for line in program.stdout:
            if line.startswith("Arrived:"):
                address = line.split()[1]
            if line.startswith("Settings:"):
                configuration = line.split()[1]
            if "Ctrl-C" in line:
                break
        arrived = httpx.get(f"{address}api/messages").json()["messages"]
        checked = subprocess.run(
            [sys.executable, "dispatcher/main.py", "--config", configuration, "check"],
            cwd=clone,
            env={**os.environ, VARIABLE: place.url},
            capture_output=True,
            text=True,
            check=False,
        )
        program.send_signal(signal.SIGINT)
        assert program.wait(30) == 0

    assert checked.returncode == 0, checked.stdout
    assert re.search(r"ok +telegram +@sandbox_bot at 127.0.0.1", checked.stdout)
    assert {one["service"] for one in arrived} == set(QUEUES)
    assert "451-twice@example.org" in [to for one in arrived for to in one["to"]]
    assert nothing_left(clone), left_behind(clone)


def test_a_daemon_that_does_not_start_is_said(clone, place):
    """Exit code 1, with the end of its log."""
    (clone / "dispatcher" / "main.py").write_text("import sys; sys.exit('no luck today')")

    code, _, errors = run(clone, place)

    assert code == 1
    assert "no luck today" in errors
    assert "ended while it was starting" in errors
    assert "Traceback" not in errors
    assert nothing_left(clone), left_behind(clone)
