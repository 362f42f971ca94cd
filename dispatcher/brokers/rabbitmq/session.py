"""Two connections, from the moment both are up until the first of them is lost."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, Self

import aio_pika

from dispatcher.brokers.rabbitmq.connect import connect
from dispatcher.brokers.rabbitmq.losses import close
from dispatcher.brokers.rabbitmq.outlet import Outlet
from dispatcher.brokers.rabbitmq.settings import RabbitSettings
from dispatcher.brokers.rabbitmq.tolerance import broken_channel

BOTH = 2


class Session:
    """A pair of connections.

    Attributes:
        consuming: deliveries and acks go here, so that they get through while publishing is blocked.
        outlet: confirmed publishing, on the other connection.
        listeners: called when the session is lost, and when publishing is blocked or no longer is.
        is_gone: whether we were told that one of the two has gone; `is_lost` knows sooner, and is dearer.
        broken_on: the number of the AMQP channel on which something came that could not be read, where that is what
            ended the session.

    """

    def __init__(
        self, consuming: aio_pika.abc.AbstractConnection, publishing: aio_pika.abc.AbstractConnection, timeout: float
    ) -> None:
        self.consuming = consuming
        self.outlet = Outlet(publishing, timeout, self._tell)
        self.listeners: set[Callable[[], None]] = set()
        self.is_gone = False
        self.broken_on: int | None = None
        self._publishing = publishing
        self._wires = tuple(one.transport.connection for one in (consuming, publishing) if one.transport is not None)
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        # On a plain connection only the callbacks tell that the other side has gone.
        consuming.close_callbacks.add(self._on_close)
        publishing.close_callbacks.add(self._on_close)

    @classmethod
    async def open(cls, settings: RabbitSettings) -> Self:
        """Connect twice.

        Raises:
            BrokerRefused, BrokerError: as `connect`.

        """
        consuming = await connect(settings, "consume")
        try:
            publishing = await connect(settings, "publish")
        except BaseException:
            await close(consuming)
            raise
        return cls(consuming, publishing, settings.confirm_timeout.total_seconds())

    @property
    def is_lost(self) -> bool:
        """Whether one of the two has gone. The library knows whether it reads and writes sooner than it calls back."""
        return self.is_gone or len(self._wires) < BOTH or not (self._wires[0].is_opened and self._wires[1].is_opened)

    async def until_lost(self) -> str:
        """Wait until one of the two has gone; say why."""
        return await asyncio.shield(self._lost)

    def lose(self, why: str) -> None:
        """Count it as lost: the broker does not answer."""
        if not self._lost.done():
            self.is_gone = True
            self._lost.set_result(why)
            self.outlet.forget()
            self._tell()

    async def close(self) -> None:
        """Close both, side by side: each takes seconds where the broker does not answer."""
        self.outlet.forget()
        await asyncio.gather(close(self._publishing), close(self.consuming))

    def _tell(self) -> None:
        for listener in tuple(self.listeners):
            listener()

    def _on_close(self, connection: Any, error: BaseException | None) -> None:
        if not self._lost.done() and connection is self.consuming:
            self.broken_on = broken_channel(error)
        self.lose(_why(error))


class Sessions(Protocol):
    """What a subscription needs of its broker."""

    @property
    def trouble(self) -> str | None:
        """Why there is no session."""

    async def session(self) -> Session:
        """Wait for a session that is up."""

    async def session_apart(self) -> Session:
        """Open one for one queue alone."""

    async def end_apart(self, session: Session) -> None:
        """Close it."""


def _why(error: BaseException | None) -> str:
    text = " ".join(str(word) for word in getattr(error, "args", ()) if word)
    return text or type(error).__name__
