"""docs/security.md: the tests that it names are there, and its commands do what it says."""

import json
import re
import shlex
from uuid import uuid4

import aio_pika
import pytest

from dispatcher.brokers.topology import dead_arguments
from helpers.node import Node
from tests.deploy.test_missing_rights import NOTHING_YET, RETRY
from tests.docs.pages import ROOT, Page
from tests.management import rabbitmqctl
from tests.waiting import until

PAGE = Page("security.md")
NAMED = sorted(set(re.findall(r"tests/[\w/]+\.py", PAGE.text)))


@pytest.mark.parametrize("path", NAMED)
def test_a_test_that_is_named_is_there(path: str):
    assert (ROOT / path).exists()


def test_each_right_has_its_line_and_no_other():
    rows = PAGE.rows("## Least rights at RabbitMQ")
    told = {(right, name) for right, names, _ in rows for name in re.findall(r"[\w.…]+", names)}

    assert {(right, name.replace(RETRY, "email.retry.…")) for right, name in NOTHING_YET} == told


async def test_the_policy_ends_dead_letters_in_queues_that_are_there(node: Node, virtual_host: str):
    (command,) = [text for text in PAGE.examples("sh") if "set_policy" in text]
    program, *words = shlex.split(
        command.replace("\\\n", "").replace("-p notify", f"-p {virtual_host}").replace("2592000000", "300")
    )
    async with await aio_pika.connect(node.url + virtual_host) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("email.dead", durable=True, arguments=dict(dead_arguments()))
        await rabbitmqctl(node, "-q", *words)
        await channel.default_exchange.publish(aio_pika.Message(b"{}", message_id=uuid4().hex), queue.name)

        async def gone() -> bool:
            found = await channel.declare_queue(queue.name, passive=True)
            return found.declaration_result.message_count == 0

        await until(gone, what="the dead letter is gone")

    assert "rabbitmqctl" == program
    assert json.loads(words[5]) == {"message-ttl": 300}
