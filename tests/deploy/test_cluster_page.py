"""What docs/rabbitmq.md says of clusters: its settings load, its policies do what it says they do."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import pytest

from dispatcher.brokers.topology import dead_arguments
from dispatcher.config import setup
from helpers.node import Node
from tests.docs.pages import Page
from tests.management import Management, rabbitmqctl
from tests.waiting import PAUSE, until

PAGE = Page("rabbitmq.md")
WORK, KEPT = PAGE.examples("sh", "### Policies")
LIMIT = 100
LOOKS = 50


def test_the_settings_load(tmp_path: Path):
    (example, *_) = PAGE.examples("yaml", "## A cluster")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "rabbitmq").write_text("hunter2\n")
    (tmp_path / "dispatcher.yml").write_text(example)
    rabbitmq = setup(file_path=tmp_path / "dispatcher.yml").brokers.rabbitmq

    assert [f"amqps://mq{number}.example.org:5671/" for number in (1, 2, 3)] == [
        node.address for node in rabbitmq.each_node
    ]
    assert "quorum" == rabbitmq.queue_type


def commands(block: str, folder: Path) -> list[list[str]]:
    """Give what a shell makes of a block: the arguments of each `rabbitmqctl`."""
    noted = folder / "noted"
    script = 'rabbitmqctl() { printf "%s\\0" "$@" >> "$NOTED"; printf "\\0" >> "$NOTED"; }\n' + block
    subprocess.run([shutil.which("sh") or "sh", "-euc", script], env={"NOTED": str(noted)}, check=True)
    told = [command.split("\0") for command in noted.read_text().split("\0\0") if command]
    noted.unlink()
    return told


async def run(block: str, folder: Path, node: Node, virtual_host: str) -> None:
    for command, *arguments in commands(block, folder):
        await rabbitmqctl(node, command, "--vhost", virtual_host, *arguments)


@pytest.fixture
async def channel(node: Node, virtual_host: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """A channel at a virtual host with the queue `email`, as its default kind makes it, and its dead letters."""
    async with await aio_pika.connect(node.url + virtual_host) as connection:
        channel = await connection.channel()
        await channel.declare_queue("email", durable=True, arguments={"x-queue-type": "quorum"})
        await channel.declare_queue("email.dead", durable=True, arguments=dict(dead_arguments()))
        yield channel


async def has(channel: aio_pika.abc.AbstractChannel, queue: str, count: int) -> bool:
    return count == (await channel.declare_queue(queue, passive=True)).declaration_result.message_count


async def publish(channel: aio_pika.abc.AbstractChannel, queue: str) -> None:
    await channel.default_exchange.publish(aio_pika.Message(b"{}"), routing_key=queue)


async def test_what_is_handed_out_too_often_becomes_a_dead_letter(
    channel, management: Management, node: Node, virtual_host: str, tmp_path: Path
):
    await run(WORK, tmp_path, node, virtual_host)
    assert ["email", "slack", "telegram"] == sorted(
        policy["name"] for policy in await management.call("GET", f"policies/{virtual_host}")
    )
    await publish(channel, "email")
    email = await channel.get_queue("email", ensure=False)
    handed_out = 0
    while message := await email.get(fail=False):
        handed_out += 1
        assert handed_out <= LIMIT + 1
        await message.nack(requeue=True)

    assert LIMIT + 1 == handed_out
    await until(lambda: has(channel, "email.dead", 1))


async def is_thrown_away(channel: aio_pika.abc.AbstractChannel, queue: str) -> bool:
    """Tell whether a message goes by itself; what was published before a policy came into force stays."""
    await (await channel.get_queue(queue, ensure=False)).purge()
    await publish(channel, queue)
    for _ in range(LOOKS):
        if await has(channel, queue, 0):
            return True
        await asyncio.sleep(PAUSE)
    return False


async def test_a_policy_for_everything_throws_dead_letters_away_unless_ours_keeps_it_off(
    channel, management: Management, node: Node, virtual_host: str, tmp_path: Path
):
    everything = {"pattern": ".*", "definition": {"message-ttl": 1}, "apply-to": "queues", "priority": 1}
    await management.call("PUT", f"policies/{virtual_host}/everything", everything)
    for queue in ("email", "email.dead"):
        await until(lambda queue=queue: is_thrown_away(channel, queue), what=f"a message of {queue} is gone")

    async def is_kept() -> bool:
        return not await is_thrown_away(channel, "email.dead")

    await run(KEPT, tmp_path, node, virtual_host)
    await until(is_kept, what="a dead letter stays")
    assert await is_thrown_away(channel, "email")
