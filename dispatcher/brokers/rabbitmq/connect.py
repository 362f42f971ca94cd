"""One connection to RabbitMQ, and what can be wrong with it in sentences. aiormq's connection errors end here."""

import asyncio
import os
import socket
import ssl

import aio_pika
from aiormq.exceptions import (
    AuthenticationError,
    ConnectionClosed,
    InvalidFrameError,
    ProbableAuthenticationError,
)

from dispatcher.brokers.rabbitmq.losses import LOSSES
from dispatcher.brokers.rabbitmq.settings import RabbitSettings
from dispatcher.brokers.rights import ADVICE
from dispatcher.cancelling import is_ours
from dispatcher.words.errors import BrokerError, BrokerRefused

NOT_ALLOWED = 530


async def connect(settings: RabbitSettings, purpose: str) -> aio_pika.abc.AbstractConnection:
    """Open a connection.

    Args:
        settings: where to.
        purpose: shown with our name on RabbitMQ's management page.

    Raises:
        BrokerRefused: it answers and says no.
        BrokerError: it does not answer, or something else does.

    """
    url = settings.parsed.update_query(heartbeat=max(1, round(settings.heartbeat.total_seconds())))
    try:
        return await aio_pika.connect(
            url,
            timeout=settings.connect_timeout.total_seconds(),
            ssl_context=settings.secure(),
            client_properties={"connection_name": f"dispatcher {purpose} {socket.gethostname()}:{os.getpid()}"},
        )
    # A name that is no name of a host; and, with uvloop, a server that takes the connection and hangs up at once.
    except (*LOSSES, ValueError, StopAsyncIteration) as error:
        raise explain(error, settings) from error
    except asyncio.CancelledError as error:
        if is_ours():
            raise
        raise BrokerError(f"the connection to RabbitMQ at {settings.address} went while it was made") from error


def explain(error: Exception, settings: RabbitSettings) -> BrokerError:
    """Say what is wrong and what to do; the library's own text may hold the password and is not used."""
    where = f"RabbitMQ at {settings.address}"
    named_by = f"brokers.rabbitmq.{'nodes' if settings.nodes else 'url'}"
    if isinstance(error, AuthenticationError | ProbableAuthenticationError):
        return BrokerRefused(f"{where} refuses the login of user '{settings.user}'; check brokers.rabbitmq.url")
    if _about_the_virtual_host(error):
        return BrokerRefused(
            f"{where}: the virtual host '{settings.virtual_host}' is missing, or user '{settings.user}' may not use it "
            f"or has all the connections it may have; {ADVICE}"
        )
    cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
    if isinstance(cause, ssl.SSLError):
        return BrokerRefused(
            f"{where}: TLS failed ({cause.reason or cause}); check ca_file and cert_file of brokers.rabbitmq"
        )
    if isinstance(error, TimeoutError):
        patience = f"{settings.connect_timeout.total_seconds():g} s"
        return BrokerError(f"{where} does not answer within {patience}; check {named_by}")
    words = _network_words(error)
    if words is None:
        return BrokerError(f"what answers at {settings.address} hangs up, or does not speak AMQP 0-9-1")
    return BrokerError(f"{where} cannot be reached ({words}); start it, or check {named_by}")


def _about_the_virtual_host(error: Exception) -> bool:
    if isinstance(error, InvalidFrameError):  # aiormq loses the broker's own words here
        return "OpenOk" in str(error)
    return isinstance(error, ConnectionClosed) and NOT_ALLOWED in error.args


def _network_words(error: Exception) -> str | None:
    """Give the system's words for a failure of the network; `None` when it was something else."""
    for one in (error, error.__cause__):
        number = getattr(one, "errno", None)
        if isinstance(one, OSError) and number is not None:
            # asyncio's own text says less than the system's; a name that cannot be resolved has a negative number.
            return os.strerror(number) if number > 0 else str(one.strerror)
    return None
