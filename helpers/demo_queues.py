"""The queues of the demonstration: how many messages are in them, the dead letters, and what it has put there.

The names are those that `docs/messages.md` gives. Nothing here declares a queue or takes a message for good, but for
`take_away`, which removes what the demonstration itself has published.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import aio_pika
from aio_pika import exceptions

from helpers.notifications import QUEUES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

LADDER = ("1s", "2s")
"""How long a message of the demonstration waits between its attempts: nobody wants to watch a longer one."""
STEPS = ("1s", "3s")
"""Delays that there are besides, for who waits for a turn."""
USUAL_LADDER = ("10s", "1m", "10m", "1h", "6h")

WAITING = [
    name for queue in QUEUES for name in (queue, *(f"{queue}.retry.{delay}" for delay in sorted({*LADDER, *STEPS})))
]
"""Where nothing is left when all is done."""
DEAD = [f"{queue}.dead" for queue in QUEUES]
OURS = [*WAITING, *DEAD]
"""What the daemon makes with our settings."""
LOOKED_AT = [*OURS, *(f"{queue}.retry.{rung}" for queue in QUEUES for rung in USUAL_LADDER)]
"""Where somebody's messages would come from, or get lost among ours."""
EXCHANGE = "dispatcher"

PATIENCE = 10.0
MOST_LETTERS = 1000


class Standing(NamedTuple):
    """How a queue stands."""

    messages: int
    consumers: int


class DeadLetter(NamedTuple):
    """A message that was given up on, with what its headers say."""

    queue: str
    message_id: str
    to: str
    reason: str
    error: str
    attempts: int


def standing(url: str, names: Collection[str]) -> dict[str, Standing]:
    """Give how queues stand; those that are not there are left out."""
    return asyncio.run(look(url, names))


async def look(url: str, names: Collection[str]) -> dict[str, Standing]:
    """Give how queues stand, without touching them: a passive declaration."""
    async with await aio_pika.connect(url, timeout=PATIENCE) as connection:
        return {name: found for name in names if (found := await _stands(connection, name))}


def dead_letters(url: str) -> list[DeadLetter]:
    """Read all dead letters of the three queues, and leave them where they are."""

    async def read() -> list[DeadLetter]:
        async with await aio_pika.connect(url, timeout=PATIENCE) as connection:
            return [_letter(name, one) for name in DEAD async for one in _everything(connection, name)]

    return asyncio.run(read())


def exchange_exists(url: str) -> bool:
    """Tell whether the exchange for publishers is there."""

    async def ask() -> bool:
        async with await aio_pika.connect(url, timeout=PATIENCE) as connection:
            channel = await connection.channel()
            try:
                await channel.declare_exchange(EXCHANGE, passive=True)
            except exceptions.ChannelNotFoundEntity:
                return False
            return True

    return asyncio.run(ask())


def take_away(url: str, message_ids: Collection[str], before: Collection[str]) -> None:
    """Remove what the demonstration has put into a broker of somebody else's.

    Args:
        url: of the broker.
        message_ids: of the messages to remove, wherever they wait.
        before: names of the queues, and of the exchange, that were there before: they stay.

    """
    asyncio.run(_take_away(url, message_ids, before))


async def _take_away(url: str, message_ids: Collection[str], before: Collection[str]) -> None:
    async with await aio_pika.connect(url, timeout=PATIENCE) as connection:
        for name in OURS:
            async for message in _everything(connection, name):
                if message.message_id in message_ids:
                    await message.ack()
        channel = await connection.channel()
        for name in OURS:
            # Looked at first: a quorum queue cannot be told to go only where it is empty and nobody uses it.
            if name not in before and await _stands(connection, name) == Standing(0, 0):
                await channel.queue_delete(name)
        if EXCHANGE not in before:
            await channel.exchange_delete(EXCHANGE, if_unused=True)


async def _stands(connection: AbstractConnection, name: str) -> Standing | None:
    channel = await connection.channel()
    try:
        result = (await channel.declare_queue(name, passive=True)).declaration_result
    except exceptions.ChannelNotFoundEntity:
        return None
    await channel.close()
    return Standing(result.message_count or 0, result.consumer_count or 0)


async def _everything(connection: AbstractConnection, name: str) -> AsyncIterator[AbstractIncomingMessage]:
    """Give each message of a queue; what is not acknowledged goes back when all were given."""
    if not await _stands(connection, name):
        return
    async with _channel(connection) as channel:
        queue = await channel.get_queue(name, ensure=False)
        for _ in range(MOST_LETTERS):
            message = await queue.get(fail=False)
            if message is None:
                return
            yield message


@asynccontextmanager
async def _channel(connection: AbstractConnection) -> AsyncIterator[AbstractChannel]:
    channel = await connection.channel()
    try:
        yield channel
    finally:
        await channel.close()


def _letter(name: str, message: AbstractIncomingMessage) -> DeadLetter:
    headers = message.headers
    return DeadLetter(
        queue=name,
        message_id=message.message_id or "",
        to=str(headers.get("dispatcher-recipient") or _recipients(message.body)),
        reason=str(headers.get("dispatcher-reason", "")),
        error=str(headers.get("dispatcher-error", "")),
        attempts=int(str(headers.get("dispatcher-attempt", 0))),
    )


def _recipients(body: bytes) -> str:
    try:
        to: Any = json.loads(body)["to"]
    except (ValueError, KeyError, TypeError):
        return "(unreadable)"
    return ", ".join(map(str, to)) if isinstance(to, list) else str(to)
