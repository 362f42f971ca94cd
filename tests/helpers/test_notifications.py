"""Notifications as a stranger writes them keep the contract and fit the templates, of all queues."""

import json
import re
from uuid import UUID

import pytest

from dispatcher.contract.base import decode
from dispatcher.factories import contract_of
from dispatcher.words.errors import Failure
from helpers.notifications import QUEUES, Author
from helpers.parameters import GENERATORS
from tests.shipped import on_disk, shipped

each_queue = pytest.mark.parametrize("queue", QUEUES)


@each_queue
def test_each_shipped_template_has_a_generator_and_each_generator_a_template(queue):
    """Nothing is left out, nothing points nowhere."""
    assert on_disk(queue) == set(GENERATORS)


@each_queue
@pytest.mark.parametrize("template", GENERATORS)
def test_parameters_are_those_that_are_documented(queue, template):
    """All that are needed, and none that the documentation does not know."""
    table = shipped(queue)[template]
    needed = {name for name, parameter in table.items() if parameter.required}

    for seed in range(20):
        parameters = json.loads(Author(seed).write(template, queue).body)["parameters"]
        for one in parameters if isinstance(parameters, list) else [parameters]:
            assert needed <= one.keys() <= table.keys()


@each_queue
def test_whatever_the_seed_the_contract_is_kept(queue):
    """Each is valid, in all shapes: one recipient or several, personal parameters, German."""
    notifications = []
    for seed in range(100):
        author = Author(seed)
        for template in GENERATORS:
            prepared = author.write(template, queue)
            notification, unknown = decode(contract_of(queue), prepared.body)
            notifications.append(notification)
            assert not unknown
            assert len(notification.parts()) == prepared.messages
            assert list(map(str, notification.everyone)) == list(prepared.to)

    assert any(isinstance(one.parameters, list) for one in notifications)
    assert any(one.locale == "de" for one in notifications)


def test_recipients_look_like_those_of_their_queue():
    """Addresses of nobody; ids of people and of groups, as numbers; names of Slack."""
    told = {
        queue: [json.loads(Author(seed).write("custom", queue).body)["to"] for seed in range(100)] for queue in QUEUES
    }
    one_each = {queue: [to for to in recipients if not isinstance(to, list)] for queue, recipients in told.items()}

    assert all(to.endswith("@example.org") for to in one_each["email"])
    assert {True, False} == {to > 0 for to in one_each["telegram"]}
    assert all(re.fullmatch(r"#[a-z]+-[0-9]+", to) for to in one_each["slack"])


def test_what_only_chats_have_comes_now_and_then():
    """And links that work once are never opened for a preview."""
    bodies = {
        queue: [json.loads(Author(seed).write("new_member", queue).body) for seed in range(100)] for queue in QUEUES
    }
    fields = {queue: {name for body in some for name in body} for queue, some in bodies.items()}

    assert {"silent", "thread", "link_preview", "buttons"} <= fields["telegram"]
    assert {"silent", "thread", "link_preview"} <= fields["slack"]
    assert not {"silent", "thread", "link_preview"} & fields["email"]
    for queue in ("telegram", "slack"):
        assert json.loads(Author(1).write("password_reset", queue).body)["link_preview"] is False
        assert {True, False} == {"thread" in body for body in bodies[queue]}


def test_the_same_seed_makes_the_same_notifications():
    """Bodies and message ids; another seed makes others."""
    first, again, other = (
        [Author(seed).write(name, queue) for name in GENERATORS for queue in QUEUES] for seed in (7, 7, 8)
    )

    assert first == again
    assert not {one.message_id for one in first} & {one.message_id for one in other}
    assert all(UUID(one.message_id).version == 4 for one in first)


def test_given_addresses_and_parameters_win():
    """What is said on the command line is what is sent."""
    author = Author(1, ["ada@example.org", "bob@example.org"], {"name": "Ada"})

    fields = json.loads(author.write("password_reset").body)

    assert fields["to"] == ["ada@example.org", "bob@example.org"]
    assert fields["parameters"]["name"] == "Ada"


def test_given_chats_each_get_a_message_and_ids_are_numbers():
    """A mail goes to several at once, a message in a chat to each by itself."""
    to = ["4711", "-1001234567890", "@example"]
    prepared = Author(1, to).write("password_reset", "telegram")

    assert json.loads(prepared.body)["to"] == [4711, -1001234567890, "@example"]
    assert prepared.messages == 3
    assert Author(1, ["ada@example.org", "bob@example.org"]).write("password_reset").messages == 1


@each_queue
def test_the_faults_are_what_they_are_called(queue):
    """A missing template, a missing parameter, malformed JSON, an unknown field; the rest of each is whole."""
    contract = contract_of(queue)
    missing, bare, malformed, unknown = Author(1).faults(queue)

    assert {queue} == {one.queue for one in (missing, bare, malformed, unknown)}
    assert decode(contract, missing.body)[0].template not in on_disk(queue)
    assert decode(contract, bare.body)[0].parameters == {}
    with pytest.raises(Failure, match="JSON"):
        decode(contract, malformed.body)
    notification, names = decode(contract, unknown.body)
    assert names == {"colour"}
    assert notification.template == "confirm_email"
