"""The supervisor: a session is kept alive, whatever happens to the broker."""

import asyncio
import logging
from collections.abc import Sequence

from dispatcher.backoff import LONGEST, backoff
from dispatcher.brokers.base import Broker, Subscription
from dispatcher.brokers.rabbitmq.declare import Declarer
from dispatcher.brokers.rabbitmq.nodes import Nodes
from dispatcher.brokers.rabbitmq.outlet import NotPermitted, Unroutable
from dispatcher.brokers.rabbitmq.session import Session
from dispatcher.brokers.rabbitmq.settings import RabbitSettings
from dispatcher.brokers.rabbitmq.subscription import RabbitSubscription
from dispatcher.brokers.topology import EXCHANGE
from dispatcher.words.errors import BrokerError, BrokerRefused
from dispatcher.words.messages import Message
from dispatcher.words.retries import Ladder

log = logging.getLogger(__name__)


class RabbitBroker(Broker):
    """RabbitMQ 3.10 and newer.

    Args:
        settings: where it is and how to use it.
        ladder: the delay queues to make.

    """

    def __init__(self, settings: RabbitSettings, ladder: Ladder) -> None:
        self._settings = settings
        self._nodes = Nodes(settings)
        self._declarer = Declarer(ladder, settings.queue_type, strict=settings.strict)
        self._session: Session | None = None
        self._changed = asyncio.Condition()
        self._refusal: BrokerError | None = None
        self._patient = True
        self._trouble: str | None = f"no connection yet to RabbitMQ at {settings.address}"
        self._closed = False
        self._supervisor: asyncio.Task[None] | None = None
        self._subscriptions: list[RabbitSubscription] = []
        self._apart: set[Session] = set()

    @property
    def trouble(self) -> str | None:
        """Why there is no connection."""
        return self._trouble

    @property
    def lacks(self) -> Sequence[str]:
        """Which rights are missing that it does without."""
        return self._declarer.lacks

    async def start(self, *, patient: bool = True) -> None:
        """Connect; wait for a broker that is not there yet, or say that it is not."""
        self._patient = patient
        self._supervisor = asyncio.create_task(self._keep_connected(), name="rabbitmq")
        async with self._changed:
            await self._changed.wait_for(lambda: self._session is not None or self._refusal is not None)
        if self._refusal is not None:
            raise self._refusal

    async def subscribe(self, queue: str, *, prefetch: int) -> Subscription:
        """Make the queue where it is missing and take its deliveries."""
        every = self._settings.watch.total_seconds()
        subscription = RabbitSubscription(self, self._declarer, queue, prefetch, every)
        self._subscriptions.append(subscription)
        await subscription.begun()
        return subscription

    async def publish(self, queue: str, message: Message) -> None:
        """Publish to a queue, which is made where it is missing; confirmed.

        Who may not use the default exchange uses the one for publishers.
        """
        session = await self.session()
        try:
            await session.outlet.publish(queue, message)
        except Unroutable:
            await self._declarer.declare(session.consuming, queue)
            await session.outlet.publish(queue, message)
        except NotPermitted:
            await session.outlet.publish(queue, message, exchange=EXCHANGE)

    async def close(self) -> None:
        """Close the connections."""
        self._closed = True
        await asyncio.gather(*(subscription.stop() for subscription in self._subscriptions))
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait({self._supervisor})
        for session in tuple(self._apart):
            await self.end_apart(session)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def session(self) -> Session:
        """Wait for a session that is up."""
        async with self._changed:
            while (session := self._session) is None or session.is_lost:
                await self._changed.wait()
            return session

    async def session_apart(self) -> Session:
        """Open a session for one queue alone, when the one for all is up.

        Raises:
            BrokerError: it cannot be opened.

        """
        await self.session()
        session = await self._open()
        self._apart.add(session)
        return session

    async def end_apart(self, session: Session) -> None:
        """Close a session that was for one queue alone."""
        self._apart.discard(session)
        await session.close()

    async def declare(self, queue: str) -> int:
        """Make the work queue and everything that belongs to it, or find it made; give how many messages wait in it."""
        session = await self.session()
        waiting = await self._declarer.declare(session.consuming, queue)
        await session.outlet.look()
        return waiting

    async def _keep_connected(self) -> None:
        """Open one session after the other; only a refusal of the very first one ends this, and `start` raises it.

        The library loses a cancellation that comes in the same turn as an answer: hence a flag beside it.
        """
        waits = backoff()
        said = ""
        was_up = False
        while not self._closed:
            try:
                session = await self._open()
            except BrokerError as error:
                if not was_up and (isinstance(error, BrokerRefused) or not self._patient):
                    await self._change(None, error)
                    return
                self._trouble = str(error)
                said = _say_once(f"{error}; trying on until it can", said)
            else:
                self._trouble = None
                log.info("connected to RabbitMQ at %s", self._nodes.address)
                was_up, said = True, ""
                if await self._live(session) > LONGEST:  # one that is lost at once is not tried again at once
                    waits = backoff()
            if not self._closed:
                await asyncio.sleep(next(waits))

    async def _open(self) -> Session:
        """Open a session. A bug is one more trouble: who ended here would be missed by nobody, and nothing be taken."""
        try:
            return await self._nodes.open()
        except BrokerError:
            raise
        except Exception as bug:
            log.exception("a bug while connecting to RabbitMQ")
            raise BrokerError(f"a bug while connecting: {type(bug).__name__}") from bug

    async def _live(self, session: Session) -> float:
        """Hand out a session until it is lost; give the seconds it lived."""
        began = asyncio.get_running_loop().time()
        await self._change(session, None)
        if self._closed:
            return 0.0  # `close` closes it
        why = await session.until_lost()
        self._trouble = f"the connection to RabbitMQ was lost ({why})"
        log.warning("%s", self._trouble)
        self._nodes.leave()
        await self._change(None, None)
        await session.close()
        return asyncio.get_running_loop().time() - began

    async def _change(self, session: Session | None, refusal: BrokerError | None) -> None:
        async with self._changed:
            self._session, self._refusal = session, refusal
            self._changed.notify_all()


def _say_once(sentence: str, said: str) -> str:
    if sentence != said:
        log.warning("%s", sentence)
    return sentence
