"""A broker inside the process: the same promises as the real one, but for what outlives the process.

For trying templates and for tests of programs that build on Dispatcher; it passes the same contract suite.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta

from dispatcher.brokers.base import Broker, Delivery, Subscription
from dispatcher.brokers.topology import dead_queue
from dispatcher.words.errors import DeliveryLost
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Deferred, Outcome, Rejected, Released, Split


class Queue:
    """Messages in order, with whether each was handed out before."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[Message, bool]] = deque()
        self.changed = asyncio.Condition()

    def __len__(self) -> int:
        return len(self.waiting)

    async def put(self, message: Message, *, redelivered: bool = False) -> None:
        """Add a message at the end, or back at the front when it was handed out before."""
        async with self.changed:
            if redelivered:
                self.waiting.appendleft((message, True))
            else:
                self.waiting.append((message, False))
            self.changed.notify_all()


class MemoryBroker(Broker):
    """Queues in memory."""

    def __init__(self) -> None:
        self._queues: dict[str, Queue] = {}
        self._delays: set[asyncio.Task[None]] = set()
        self._subscriptions: list[MemorySubscription] = []

    @property
    def trouble(self) -> str | None:
        """None: memory does not go away."""
        return None

    async def start(self, *, patient: bool = True) -> None:
        """Nothing to wait for."""

    async def declare(self, queue: str) -> int:
        """Make a queue; give how many messages wait in it."""
        return len(self.queue(queue))

    async def subscribe(self, queue: str, *, prefetch: int) -> Subscription:
        """Take the deliveries of a queue."""
        subscription = MemorySubscription(self, queue, prefetch)
        self._subscriptions.append(subscription)
        return subscription

    async def publish(self, queue: str, message: Message) -> None:
        """Put a message in a queue."""
        await self.queue(queue).put(message)

    async def close(self) -> None:
        """Give back what is in hand; the messages stay for who subscribes next."""
        for subscription in self._subscriptions:
            await subscription.abandon()
        for delay in self._delays:
            delay.cancel()
        await asyncio.gather(*self._delays, return_exceptions=True)

    def queue(self, name: str) -> Queue:
        """Give a queue by its name."""
        return self._queues.setdefault(name, Queue())

    def later(self, queue: str, message: Message, wait: timedelta) -> None:
        """Put a message in a queue after a while."""

        async def put() -> None:
            await asyncio.sleep(wait.total_seconds())
            await self.publish(queue, message)

        delay = asyncio.create_task(put())
        self._delays.add(delay)
        delay.add_done_callback(self._delays.discard)


class MemoryDelivery(Delivery):
    """A message out of a queue in memory."""

    def __init__(self, subscription: "MemorySubscription", message: Message, *, redelivered: bool) -> None:
        self.message = replace(
            message, redelivered=redelivered, is_stale=lambda: self.stale, is_gone=lambda: self.stale
        )
        self._subscription = subscription

    @property
    def stale(self) -> bool:
        """Whether it was settled or taken away."""
        return self not in self._subscription.in_hand

    async def settle(self, *outcomes: Outcome, kept: Callable[[], None] = lambda: None) -> None:
        """Keep the copies, then forget the message or put it back."""
        if self.stale:
            raise DeliveryLost("the delivery is not in hand any more")
        broker, queue = self._subscription.broker, self._subscription.name
        for outcome in outcomes:
            match outcome:
                case Deferred(copy, rung):
                    broker.later(queue, copy, rung)
                case Rejected(copy):
                    await broker.publish(dead_queue(queue), copy)
                case Split(parts):
                    for part in parts:
                        await broker.publish(queue, part)
                case Released():
                    await broker.queue(queue).put(self.message, redelivered=True)
        kept()
        await self._subscription.let_go(self)


class MemorySubscription(Subscription):
    """The deliveries of one queue."""

    def __init__(self, broker: MemoryBroker, name: str, prefetch: int) -> None:
        self.broker = broker
        self.name = name
        self.in_hand: list[MemoryDelivery] = []
        self._usual = self._prefetch = prefetch
        self._stopped = False

    def __aiter__(self) -> AsyncIterator[Delivery]:
        return self._deliveries()

    async def _deliveries(self) -> AsyncIterator[Delivery]:
        queue = self.broker.queue(self.name)
        while True:
            async with queue.changed:
                while not self._stopped and (not queue.waiting or len(self.in_hand) >= self._prefetch):
                    await queue.changed.wait()
                if self._stopped:
                    return
                message, redelivered = queue.waiting.popleft()
                delivery = MemoryDelivery(self, message, redelivered=redelivered)
                self.in_hand.append(delivery)
            yield delivery

    @property
    def trouble(self) -> str | None:
        """None: memory does not go away."""
        return None

    async def pause(self) -> None:
        """Take nothing."""
        await self._change_prefetch(0)

    async def resume(self, prefetch: int | None = None) -> None:
        """Take again."""
        await self._change_prefetch(self._usual if prefetch is None else prefetch)

    async def _change_prefetch(self, prefetch: int) -> None:
        self._prefetch = prefetch
        await self._notify()

    async def let_go(self, delivery: MemoryDelivery) -> None:
        """Count a delivery as settled."""
        self.in_hand.remove(delivery)
        await self._notify()

    async def stop(self) -> None:
        """Take nothing new."""
        self._stopped = True
        await self._notify()

    async def abandon(self) -> None:
        """Put back what is in hand, in its order."""
        await self.stop()
        for delivery in reversed(list(self.in_hand)):
            with contextlib.suppress(DeliveryLost):
                await delivery.settle(Released())

    async def _notify(self) -> None:
        queue = self.broker.queue(self.name)
        async with queue.changed:
            queue.changed.notify_all()
