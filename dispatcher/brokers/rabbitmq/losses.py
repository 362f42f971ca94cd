"""What the library raises when an AMQP channel or a connection goes away under its hands, as one error of ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aiormq.exceptions import (
    AMQPError,
    ChannelAccessRefused,
    ChannelLockedResource,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)

from dispatcher.cancelling import is_ours
from dispatcher.words.errors import BrokerError

CLOSE_TIMEOUT = 3.0
"""Seconds for a connection or an AMQP channel to close; a half-open or blocked connection takes two by itself."""

LOSSES = (AMQPError, RuntimeError, OSError, TimeoutError)
"""Plain `RuntimeError` is aio-pika's, for a connection that closed in between; so is `ChannelInvalidStateError`."""

REFUSALS = (ChannelAccessRefused, ChannelLockedResource, ChannelNotFoundEntity, ChannelPreconditionFailed)
"""A no of the broker; with each it closes the AMQP channel."""


@asynccontextmanager
async def losses_as_broker_errors(doing: str) -> AsyncIterator[None]:
    """Let refusals and our own errors through; make every way of losing the broker a `BrokerError`.

    Args:
        doing: what could not be done, for the sentence.

    """
    try:
        yield
    except REFUSALS:
        raise
    except TimeoutError as error:
        raise BrokerError(f"the broker did not answer in time while {doing}") from error
    except LOSSES as error:
        raise BrokerError(f"the connection was lost while {doing} ({type(error).__name__})") from error
    except asyncio.CancelledError as error:
        if is_ours():
            raise
        raise BrokerError(f"the connection was lost while {doing}") from error


@asynccontextmanager
async def without_losses() -> AsyncIterator[None]:
    """Pass over every way of losing the broker, where what was wanted is then as good as done."""
    try:
        async with losses_as_broker_errors("letting go"):
            yield
    except (*REFUSALS, BrokerError):
        pass


async def close(one: aio_pika.abc.AbstractConnection | aio_pika.abc.AbstractChannel) -> None:
    """Close what may be closed already, or not answer; in either case it is not used any more."""
    async with without_losses(), asyncio.timeout(CLOSE_TIMEOUT):
        await one.close()


def refusal_text(error: BaseException) -> str:
    """Give the broker's own words of a refusal, without its prefix in capitals."""
    text = str(error.args[-1]) if error.args else str(error)
    return text.partition(" - ")[2] or text
