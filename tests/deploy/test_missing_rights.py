"""Each right by itself: without it, a sentence names it, says what it is for, and what prints the command for it."""

from pathlib import Path

import pytest

from dispatcher.brokers.rabbitmq import RabbitBroker
from dispatcher.words.errors import BrokerRefused
from helpers.node import Node
from tests.brokers.contract import SHORT
from tests.brokers.rabbit import connected, settings
from tests.cli.command import run
from tests.daemon import Daemon
from tests.deploy.people import Person, allow, documented
from tests.management import Management

RETRY = "email.retry.200ms"
WORDS = {"configure": "configure", "write": "write to", "read": "read from"}
ADVICE = "; 'dispatcher permissions' prints the command that gives it"

NOTHING_YET = {
    ("configure", "email"): "the queue email is missing and may not be made",
    ("configure", RETRY): f"the queue {RETRY} may not be made, where messages wait for another attempt",
    ("configure", "email.dead"): "the queue email.dead may not be made, where messages are kept that cannot be sent",
    ("configure", "dispatcher"): "publishers cannot use the exchange dispatcher for email, only the queue email itself",
    ("write", "amq.default"): "no copy of a message can be kept, for another attempt or for good",
    ("write", "email"): "publishers cannot use the exchange dispatcher for email, only the queue email itself",
    ("read", "email"): "the queue email may not be read",
    ("read", RETRY): f"the queue {RETRY} may not be made, where messages wait for another attempt",
    ("read", "dispatcher"): "publishers cannot use the exchange dispatcher for email, only the queue email itself",
}
"""What is said on a RabbitMQ where there is nothing yet, by right and name."""

EVERYTHING_THERE = {
    **NOTHING_YET,
    ("configure", "email"): "the queue email may not be declared, and is used as it is",
}
del EVERYTHING_THERE["read", RETRY]  # it is only needed to make it


@pytest.fixture
async def daemon(virtual_host: str, tmp_path: Path) -> Person:
    return (await documented(virtual_host, tmp_path))[0]


async def complaints(node: Node, person: Person) -> list[str]:
    """Begin to take from the queue `email`; give what is said about rights."""
    async with connected(settings(node, person.url(node.amqp_port))) as broker:
        try:
            await (await broker.subscribe("email", prefetch=1)).stop()
        except BrokerRefused as refusal:
            return [str(refusal)]
        return list(broker.lacks)


def is_about(sentence: str, what: str, right: str, name: str) -> bool:
    return sentence.startswith(f"{what}: the right to {WORDS[right]} '{name}' is missing (") and sentence.endswith(
        ADVICE
    )


async def test_with_all_of_them_nothing_is_said(node: Node, management: Management, daemon: Person):
    await allow(management, daemon)

    assert [] == await complaints(node, daemon)
    assert [] == await complaints(node, daemon)  # what was made is found


@pytest.mark.parametrize(("right", "name"), NOTHING_YET)
async def test_where_there_is_nothing_yet(node: Node, management: Management, daemon: Person, right: str, name: str):
    person = daemon.without(right, name)
    await allow(management, person)

    (sentence,) = await complaints(node, person)

    assert is_about(sentence, NOTHING_YET[right, name], right, name), sentence


@pytest.mark.parametrize(("right", "name"), EVERYTHING_THERE)
async def test_where_everything_is_there(node: Node, management: Management, daemon: Person, right: str, name: str):
    await allow(management, daemon)
    await complaints(node, daemon)
    person = daemon.without(right, name)
    await allow(management, person)

    (sentence,) = await complaints(node, person)

    assert is_about(sentence, EVERYTHING_THERE[right, name], right, name), sentence


async def test_a_work_queue_that_dead_letters_needs_nothing_else(node: Node, management: Management, daemon: Person):
    await allow(management, daemon)
    async with connected(settings(node, daemon.url(node.amqp_port), queue_type="quorum")) as broker:
        await broker.declare("email")

    assert () == tuple(broker.lacks)


async def test_the_daemon_ends_and_says_it(node: Node, management: Management, daemon: Person, tmp_path: Path):
    person = daemon.without("configure", "email.dead")
    await allow(management, person)
    process = Daemon(tmp_path, brokers__rabbitmq__url=person.url(node.amqp_port))
    await process.start(ready=False)

    assert 2 == await process.ended()
    assert any(
        is_about(
            line["text"].removeprefix("dispatcher: ").rstrip(),
            NOTHING_YET["configure", "email.dead"],
            "configure",
            "email.dead",
        )
        for line in process.log
        if line["event"] == "not JSON"
    )


@pytest.mark.parametrize(("right", "name"), [("configure", "email.dead"), ("read", "dispatcher")])
async def test_check_says_it(node: Node, management: Management, daemon: Person, tmp_path: Path, right: str, name: str):
    await allow(management, daemon)
    await complaints(node, daemon)
    person = daemon.without(right, name)
    await allow(management, person)

    done = await run("check", folder=tmp_path, brokers__rabbitmq__url=person.url(node.amqp_port))

    assert 1 == done.code
    wrong = [line.split(maxsplit=2)[2] for line in done.out.splitlines() if line.startswith("wrong")]
    assert any(is_about(line.strip(), NOTHING_YET[right, name], right, name) for line in wrong), done.out


async def test_a_user_without_any_right_is_told_where_they_are(node: Node, management: Management, daemon: Person):
    await management.call("PUT", f"users/{daemon.name}", {"password": daemon.name, "tags": ""})
    broker = RabbitBroker(settings(node, daemon.url(node.amqp_port)), [SHORT])
    try:
        with pytest.raises(BrokerRefused, match=rf"user '{daemon.name}' may not use it.*{ADVICE}$"):
            await broker.start()
    finally:
        await broker.close()
