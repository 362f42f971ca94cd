"""Notifications as a stranger writes them keep the contract, fit the templates, and arrive in the queue."""

import json
import os
import re
import subprocess
import sys
from uuid import UUID

import pika
import pytest

from dispatcher.contract.base import decode
from dispatcher.contract.email import EmailNotification
from dispatcher.words.errors import Failure
from helpers.notifications import GENERATORS, Author
from helpers.ports import free_port
from helpers.rabbitmq import ROOT

TEMPLATES = ROOT / "templates" / "email"
NOT_FOR_SENDING = {"layouts", "macros"}
ROW = re.compile(
    r"^\| (?P<template>[^|]+) \| `(?P<parameter>\w+)` \| [^|]+ \| (?P<needed>required|optional) \|", re.MULTILINE
)


def shipped():
    """The names of the templates on disk."""
    files = [path.relative_to(TEMPLATES) for path in TEMPLATES.rglob("*.jinja2")]
    return {str(path).partition(".")[0] for path in files if path.parts[0] not in NOT_FOR_SENDING}


def documented(template):
    """What the documentation says of the parameters of a template: name → needed."""
    rows = ROW.finditer((ROOT / "docs" / "templates.md").read_text())
    return {row["parameter"]: row["needed"] for row in rows if row["template"] in {f"`{template}`", "every template"}}


def send(url, *arguments):
    command = [sys.executable, ROOT / "helpers" / "send.py", "--url", url, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def taken(node, queue):
    """Everything in a queue."""
    with pika.BlockingConnection(pika.URLParameters(node.url)) as connection:
        channel = connection.channel()
        messages = []
        while (message := channel.basic_get(queue, auto_ack=True))[0]:
            messages.append(message)
        return messages


def test_each_shipped_template_has_a_generator_and_each_generator_a_template():
    """Nothing is left out, nothing points nowhere."""
    assert shipped() == set(GENERATORS)


@pytest.mark.parametrize("template", GENERATORS)
def test_parameters_are_those_that_are_documented(template):
    """All that are needed, and none that the documentation does not know."""
    table = documented(template)
    needed = {name for name, need in table.items() if need == "required"}

    for seed in range(20):
        parameters = json.loads(Author(seed).write(template).body)["parameters"]
        for one in parameters if isinstance(parameters, list) else [parameters]:
            assert needed <= one.keys() <= table.keys()


def test_whatever_the_seed_the_contract_is_kept():
    """Each is valid, in all shapes: one recipient or several, personal parameters, German."""
    notifications = []
    for seed in range(100):
        author = Author(seed)
        for template in GENERATORS:
            prepared = author.write(template)
            notification, unknown = decode(EmailNotification, prepared.body)
            notifications.append(notification)
            assert not unknown
            assert len(notification.parts()) == prepared.mails
            assert all(address.endswith("@example.org") for address in prepared.to)

    assert any(isinstance(one.parameters, list) for one in notifications)
    assert any(one.locale == "de" for one in notifications)


def test_the_same_seed_makes_the_same_notifications():
    """Bodies and message ids; another seed makes others."""
    first, again, other = ([Author(seed).write(name) for name in GENERATORS] for seed in (7, 7, 8))

    assert first == again
    assert not {one.message_id for one in first} & {one.message_id for one in other}
    assert all(UUID(one.message_id).version == 4 for one in first)


def test_given_addresses_and_parameters_win():
    """What is said on the command line is what is sent."""
    author = Author(1, ["ada@example.org", "bob@example.org"], {"name": "Ada"})

    fields = json.loads(author.write("password_reset").body)

    assert fields["to"] == ["ada@example.org", "bob@example.org"]
    assert fields["parameters"]["name"] == "Ada"


def test_the_faults_are_what_they_are_called():
    """A missing template, a missing parameter, malformed JSON, an unknown field; the rest of each is whole."""
    missing, bare, malformed, unknown = Author(1).faults()

    assert decode(EmailNotification, missing.body)[0].template not in shipped()
    assert decode(EmailNotification, bare.body)[0].parameters == {}
    with pytest.raises(Failure, match="JSON"):
        decode(EmailNotification, malformed.body)
    notification, names = decode(EmailNotification, unknown.body)
    assert names == {"colour"}
    assert notification.template == "confirm_email"


def test_nothing_of_the_package_is_used():
    """A stranger has only the documentation."""
    for name in ("send.py", "notifications.py"):
        text = (ROOT / "helpers" / name).read_text()
        assert not re.search(r"(from|import) dispatcher", text)


def test_messages_arrive_as_documented(node, queue):
    """Persistent JSON with an id, in a durable queue without arguments; the summary says how to repeat it."""
    done = send(node.url, "--queue", queue, "--all-templates", "--count", "2", "--seed", "5", "--faults")

    assert done.returncode == 0, done.stderr
    assert "--seed 5" in done.stdout
    messages = taken(node, queue)
    assert len(messages) == 2 * len(GENERATORS) + 4
    for _, properties, _body in messages:
        assert (properties.delivery_mode, properties.content_type) == (2, "application/json")
        assert properties.message_id in done.stdout
    with pika.BlockingConnection(pika.URLParameters(node.url)) as connection:
        connection.channel().queue_declare(queue, durable=True)


def test_a_queue_of_another_kind_is_adopted(node, queue):
    """What is there already is used as it is."""
    with pika.BlockingConnection(pika.URLParameters(node.url)) as connection:
        connection.channel().queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})

    done = send(node.url, "--queue", queue, "--json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [message[1].message_id for message in taken(node, queue)] == [told["message_id"]]


def test_a_rate_is_kept(node, queue):
    """So many a second: five at ten a second take about four tenths of one."""
    done = send(node.url, "--queue", queue, "--count", "5", "--rate", "10", "--json")

    times = [json.loads(line)["published"] for line in done.stdout.splitlines()]
    assert times[-1] - times[0] > 0.3  # the first confirmation may take longer than the last


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
