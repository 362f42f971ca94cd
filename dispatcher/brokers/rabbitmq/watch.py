"""Asking the broker whether a spell is what it believes to be: a consumer can be dead without a word."""

import asyncio

import aio_pika
from aiormq.exceptions import ChannelNotFoundEntity

from dispatcher.brokers.rabbitmq.declare import Declarer
from dispatcher.brokers.rabbitmq.losses import REFUSALS, close, losses_as_broker_errors, refusal_text
from dispatcher.brokers.rabbitmq.session import Session
from dispatcher.brokers.rabbitmq.spell import Spell
from dispatcher.words.errors import BrokerError

ANSWER_TIMEOUT = 10.0
"""Seconds for the broker to answer. The heartbeat finds a dead connection too, but takes about four of its intervals;
and it is sent by a broker that answers nothing else."""

LOOKS = 2
"""So many looks in a row must find messages that are not handed to us, though we have room."""


class Wrong(Exception):
    """The spell is not what it believes to be; the text says why."""


async def until_wrong(spell: Spell, declarer: Declarer, queue: str, every: float) -> str:
    """Look every so often; return what is wrong in a sentence, as soon as something is.

    A session on which the broker does not answer is counted as lost.

    Args:
        spell: what to look after.
        declarer: makes the exchange for publishers again, where somebody has deleted it.
        queue: its name.
        every: seconds between two looks.

    """
    overlooked = 0
    while True:
        taken = spell.taken
        await asyncio.sleep(every)
        try:
            waiting, consumers = await look(spell.session, queue)
            await declarer.declare_exchange(spell.session.consuming, queue)
        except Wrong as wrong:
            return str(wrong)
        except BrokerError:
            continue  # the connection went meanwhile, which ends the spell anyway
        if consumers == 0:
            return f"RabbitMQ knows of nobody who takes from the queue {queue}"
        is_overlooked = waiting > 0 and spell.taken == taken and spell.in_hand < spell.prefetch
        overlooked = overlooked + 1 if is_overlooked else 0
        if overlooked == LOOKS:
            return f"RabbitMQ hands out nothing of the queue {queue}, although messages wait in it"


async def look(session: Session, queue: str) -> tuple[int, int]:
    """Ask, on an AMQP channel of its own, how many messages wait in a queue and how many consumers it has.

    Raises:
        Wrong: the queue is missing or does not answer.
        BrokerError: the connection is lost; by our word, where the broker does not answer.

    """
    channel = aio_pika.Channel(session.consuming, publisher_confirms=False)
    try:
        async with losses_as_broker_errors("watching"), asyncio.timeout(ANSWER_TIMEOUT):
            await channel.initialize()
    except BrokerError as error:
        if isinstance(error.__cause__, TimeoutError):
            session.lose(f"RabbitMQ does not answer within {ANSWER_TIMEOUT:g} s")
        raise
    try:
        async with losses_as_broker_errors("watching"), asyncio.timeout(ANSWER_TIMEOUT):
            found = (await channel.declare_queue(queue, passive=True)).declaration_result
    except ChannelNotFoundEntity as error:
        raise Wrong(f"the queue {queue} is missing") from error
    except REFUSALS as error:
        raise Wrong(f"the queue {queue} may not be looked at: {refusal_text(error)}") from error
    except BrokerError as error:
        if isinstance(error.__cause__, TimeoutError):  # the broker answers, but the queue's own process does not
            raise Wrong(f"the queue {queue} does not answer within {ANSWER_TIMEOUT:g} s") from error
        raise
    finally:
        await close(channel)
    return found.message_count or 0, found.consumer_count or 0
