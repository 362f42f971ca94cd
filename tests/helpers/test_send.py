"""`send.py` publishes as a stranger would: what is documented, into the queues that are named."""

import json
import os
import re
import subprocess
import sys

import pika
import pytest

from helpers.notifications import QUEUES
from helpers.parameters import GENERATORS
from helpers.ports import free_port
from helpers.rabbitmq import ROOT


@pytest.fixture
def url(node, virtual_host):
    """A broker in which the queues have their real names."""
    return node.url + virtual_host


def send(url, *arguments):
    command = [sys.executable, ROOT / "helpers" / "send.py", "--url", url, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def taken(url, queue):
    """Everything in a queue."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        messages = []
        while (message := channel.basic_get(queue, auto_ack=True))[0]:
            messages.append(message)
        return messages


def test_nothing_of_the_package_is_used():
    """A stranger has only the documentation."""
    for name in ("send.py", "notifications.py", "parameters.py", "publishing.py"):
        text = (ROOT / "helpers" / name).read_text()
        assert not re.search(r"(from|import) dispatcher", text)


def test_messages_arrive_as_documented(url):
    """In all three queues; persistent JSON with an id, in a durable queue without arguments; the end says how many."""
    done = send(url, "--all-templates", "--count", "1", "--seed", "5", "--faults")

    assert done.returncode == 0, done.stderr
    number = len(GENERATORS) + 4
    assert done.stdout.splitlines()[-1] == (
        f"Published {number} to email, {number} to telegram, {number} to slack; --seed 5 makes the same ones again."
    )
    for queue in QUEUES:
        messages = taken(url, queue)
        assert len(messages) == number
        for _, properties, _body in messages:
            assert (properties.delivery_mode, properties.content_type) == (2, "application/json")
        with pika.BlockingConnection(pika.URLParameters(url)) as connection:
            connection.channel().queue_declare(queue, durable=True)


def test_only_the_queues_that_are_named_get_some(url):
    """Named twice is once; what is printed names the queue."""
    done = send(url, "--queue", "slack", "--queue", "telegram", "--queue", "slack", "--json")

    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["queue"] for one in told] == ["slack", "telegram"]
    for one in told:
        assert [message[1].message_id for message in taken(url, one["queue"])] == [one["message_id"]]
    assert "email" not in send(url, "--queue", "slack").stdout.splitlines()[-1]


def test_a_queue_of_another_kind_is_adopted(url):
    """What is there already is used as it is."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        connection.channel().queue_declare("email", durable=True, arguments={"x-queue-type": "quorum"})

    done = send(url, "--queue", "email", "--json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [message[1].message_id for message in taken(url, "email")] == [told["message_id"]]


def test_a_rate_is_kept(url):
    """So many a second: five at ten a second take about four tenths of one."""
    done = send(url, "--queue", "email", "--count", "5", "--rate", "10", "--json")

    times = [json.loads(line)["published"] for line in done.stdout.splitlines()]
    assert times[-1] - times[0] > 0.3  # the first confirmation may take longer than the last


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--to", "ada@example.org"], "--to needs one --queue: an address is good for one of them only."),
        (["--to", "x", "--queue", "email", "--queue", "slack"], "--to needs one --queue"),
        (["--queue", "fax"], "There is no queue fax: --queue takes email, telegram, slack."),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, sentence):
    """Before anything is published: nobody is there who could take it."""
    done = send(f"amqp://127.0.0.1:{free_port()}/", *arguments)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(sentence)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda _url: f"amqp://127.0.0.1:{free_port()}/", "No broker answers"),
        (lambda url: url.replace("guest:guest", "guest:wrong"), "refuses the login of guest"),
        (lambda url: url + "nowhere", "no such virtual host"),
        (lambda _url: "amqp://localhost:port/", "cannot be read"),
        (lambda _url: "http://localhost/", "must begin with amqp://"),
    ],
)
def test_an_error_is_a_sentence(node, change, sentence):
    """Exit code 2, one line, no traceback, no password."""
    done = send(change(node.url))

    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert "wrong" not in done.stderr


def test_parameters_that_are_no_object_are_refused(node):
    """Before anything is published."""
    for wrong in ("[1]", "{"):
        done = send(node.url, "--parameters", wrong)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_without_its_libraries_it_says_what_to_run():
    """One sentence."""
    command = [sys.executable, "-IS", ROOT / "helpers" / "send.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "make install" in done.stderr
