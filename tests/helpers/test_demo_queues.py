"""What the demonstration has put into somebody else's broker is taken out of it again, and nothing else."""

import asyncio

import aio_pika
import pytest

from helpers import demo_queues
from helpers.demo_queues import DeadLetter, Standing

QUORUM = {"x-queue-type": "quorum"}


@pytest.fixture
async def broker(node, virtual_host):
    """A connection, and where it leads."""
    url = node.url + virtual_host
    async with await aio_pika.connect(url) as connection:
        yield url, await connection.channel()


async def put(channel, queue, name, body=b'{"to": ["ada@example.org", 5]}', **headers):
    message = aio_pika.Message(body, message_id=name, headers=headers)
    await channel.default_exchange.publish(message, queue)


async def test_only_our_messages_and_empty_queues_of_ours_are_removed(broker):
    """What was there before stays, what holds somebody else's message or is in use too."""
    url, channel = broker
    for name in ("email", "slack", "telegram"):
        await channel.declare_queue(name, durable=True)
    for name in ("email.dead", "telegram.dead", "email.retry.1s"):
        await channel.declare_queue(name, durable=True, arguments=QUORUM)
    await channel.declare_exchange("dispatcher", durable=True)
    for name in ("ours", "theirs", "ours too"):
        await put(channel, "email.dead", name)
    for name in ("email", "telegram", "telegram.dead", "email.retry.1s"):
        await put(channel, name, "ours")
    telegram = (await channel.get_queue("telegram")).iterator()
    await telegram.consume()

    await asyncio.to_thread(demo_queues.take_away, url, {"ours", "ours too"}, {"slack"})

    standing = await demo_queues.look(url, demo_queues.OURS)
    assert standing == {"slack": Standing(0, 0), "telegram": Standing(0, 1), "email.dead": Standing(1, 0)}
    left = await (await channel.get_queue("email.dead")).get()
    assert left.message_id == "theirs"
    assert not await asyncio.to_thread(demo_queues.exchange_exists, url)


async def test_an_exchange_that_was_there_stays(broker):
    """And is known to be there."""
    url, channel = broker
    assert not await asyncio.to_thread(demo_queues.exchange_exists, url)
    await channel.declare_exchange("dispatcher", durable=True)

    await asyncio.to_thread(demo_queues.take_away, url, {"ours"}, {"dispatcher"})

    assert await asyncio.to_thread(demo_queues.exchange_exists, url)


async def test_dead_letters_are_read_and_left(broker):
    """Whatever is in them, in all three queues."""
    url, channel = broker
    for name in ("email.dead", "slack.dead"):
        await channel.declare_queue(name, durable=True, arguments=QUORUM)
    said = {"dispatcher-reason": "expired", "dispatcher-error": "too late", "dispatcher-attempt": 2}
    await put(channel, "email.dead", "one", **said)
    await put(channel, "slack.dead", "two", **{"dispatcher-recipient": "#a"})
    await put(channel, "slack.dead", "three", b"{")

    for _ in range(2):
        assert await asyncio.to_thread(demo_queues.dead_letters, url) == [
            DeadLetter("email.dead", "one", "ada@example.org, 5", "expired", "too late", 2),
            DeadLetter("slack.dead", "two", "#a", "", "", 0),
            DeadLetter("slack.dead", "three", "(unreadable)", "", "", 0),
        ]
