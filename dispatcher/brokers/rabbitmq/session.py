"""Two connections, from the moment both are up until the first of them is lost."""

import asyncio
import contextlib
from typing import Any, Self

import aio_pika

from dispatcher.brokers.rabbitmq.connect import connect
from dispatcher.brokers.rabbitmq.losses import LOSSES
from dispatcher.brokers.rabbitmq.outlet import Outlet
from dispatcher.brokers.rabbitmq.settings import RabbitSettings

CLOSE_TIMEOUT = 3.0
"""Seconds for one connection to close; a half-open or blocked one takes two by itself."""


class Session:
    """A pair of connections.

    Attributes:
        consuming: deliveries and acks go here, so that they get through while publishing is blocked.
        outlet: confirmed publishing, on the other connection.

    """

    def __init__(
        self, consuming: aio_pika.abc.AbstractConnection, publishing: aio_pika.abc.AbstractConnection, timeout: float
    ) -> None:
        self.consuming = consuming
        self.outlet = Outlet(publishing, timeout)
        self._publishing = publishing
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
            await _close(consuming)
            raise
        return cls(consuming, publishing, settings.confirm_timeout.total_seconds())

    @property
    def is_lost(self) -> bool:
        """Whether one of the two has gone."""
        return self._lost.done()

    async def until_lost(self) -> str:
        """Wait until one of the two has gone; say why."""
        return await asyncio.shield(self._lost)

    async def close(self) -> None:
        """Close both, the publishing one first."""
        for connection in (self._publishing, self.consuming):
            await _close(connection)

    def _on_close(self, _: Any, error: BaseException | None) -> None:
        if not self._lost.done():
            self._lost.set_result(_why(error))


def _why(error: BaseException | None) -> str:
    text = " ".join(str(word) for word in getattr(error, "args", ()) if word)
    return text or type(error).__name__


async def _close(connection: aio_pika.abc.AbstractConnection) -> None:
    with contextlib.suppress(*LOSSES):
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await connection.close()
