"""One consumer for each queue: take a delivery, try it once, settle it, tell the observers.

Every delivery is settled exactly once, at the end of `_process`, whatever happened: also when the message cannot be
read, when a handler has a bug, when the daemon stops.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from time import perf_counter

from dispatcher.brokers.base import Delivery, Subscription
from dispatcher.flow.bugs import failure_of
from dispatcher.flow.judge import judge
from dispatcher.flow.notify import utc_now
from dispatcher.words.errors import DeliveryLost, Failure, Kind, SomeFailed
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Deferred, Outcome, Released, Settlement
from dispatcher.words.retries import HOLD, LONGEST_WAIT, Ladder

Handler = Callable[[Message], Awaitable[None]]
Observer = Callable[[Settlement], None]

SETTLE_TIMEOUT = timedelta(seconds=5)
"""How long a drain waits, past its own time, for what was interrupted to be given back."""

log = logging.getLogger(__name__)


class Consumer:
    """Works off the deliveries of one queue, as many side by side as the subscription hands out.

    Args:
        queue: the name of the work queue.
        handler: tries a message once; returns when it was served, raises `Failure` or `SomeFailed` when not.
        ladder: the delays between attempts.
        observers: told of each settlement.
        now: the time.

    """

    def __init__(
        self,
        queue: str,
        handler: Handler,
        ladder: Ladder,
        observers: Sequence[Observer],
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._queue = queue
        self._handler = handler
        self._ladder = ladder
        self._observers = observers
        self._now = now
        self._in_hand: set[asyncio.Task[None]] = set()
        self._trying: set[asyncio.Task[None]] = set()

    async def run(self, subscription: Subscription) -> None:
        """Take deliveries until the subscription is stopped."""
        async for delivery in subscription:
            # Tasks of our own: the broker's are cancelled with their connection, in the middle of a conversation.
            task = asyncio.create_task(self._process(delivery))
            self._in_hand.add(task)
            task.add_done_callback(self._in_hand.discard)

    async def drain(self, within: timedelta) -> bool:
        """Finish what is in hand, after the subscription was stopped.

        Args:
            within: after this time, what is still being tried is interrupted and given back.

        Returns:
            whether everything was finished in time.

        """
        if await self._until_idle(within):
            return True
        for task in tuple(self._trying):
            task.cancel()
        if not await self._until_idle(SETTLE_TIMEOUT):
            for task in tuple(self._in_hand):
                task.cancel()
        return False

    async def _until_idle(self, within: timedelta) -> bool:
        if not self._in_hand:
            return True
        _, pending = await asyncio.wait(self._in_hand, timeout=within.total_seconds())
        return not pending

    async def _process(self, delivery: Delivery) -> None:
        if delivery.stale:
            return  # its message comes again
        started = perf_counter()
        outcomes = await self._try(delivery.message)
        lost = await self._settle(delivery, outcomes)
        self._tell(
            Settlement(
                queue=self._queue,
                message=delivery.message,
                outcomes=outcomes,
                seconds=perf_counter() - started,
                lost=lost,
                redelivered=delivery.message.redelivered,
            )
        )

    async def _try(self, message: Message) -> tuple[Outcome, ...]:
        """Let the handler try once, and judge how that went."""
        early = message.not_before - self._now() if message.not_before is not None else timedelta(0)
        if early > LONGEST_WAIT:
            early = timedelta(0)  # nobody of us said that: a publisher did, or a clock that was wrong
        if early > HOLD:
            return (self._before_its_time(message, early),)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self._trying.add(task)
        error: Failure | SomeFailed | None = None
        try:
            if early > timedelta(0):
                await asyncio.sleep(early.total_seconds())
            await self._handler(message)
        except (Failure, SomeFailed) as failure:
            error = failure
        except asyncio.CancelledError as cancelled:
            if task.cancelling():
                return (Released(),)
            error = failure_of(cancelled, message)  # a library's own, nobody cancelled us
        except Exception as bug:  # noqa: BLE001 - whatever it was, the message is settled
            error = failure_of(bug, message)
        finally:
            self._trying.discard(task)
        return judge(message, error, self._queue, self._ladder, self._now())

    def _before_its_time(self, message: Message, wait: timedelta) -> Deferred:
        """Let a message that still has to wait go round again, untried and as it is."""
        failure = Failure(Kind.THROTTLED, message.reason, f"it waits until {message.not_before:%Y-%m-%d %H:%M:%SZ}")
        return Deferred(message, self._ladder.towards(wait), failure)

    async def _settle(self, delivery: Delivery, outcomes: tuple[Outcome, ...]) -> bool:
        """Settle; tell whether that was too late."""
        try:
            await delivery.settle(*outcomes)
        except DeliveryLost:
            return True
        except Exception:
            log.exception("message %s could not be settled; it stays unacknowledged", delivery.message.id)
            return True
        return False

    def _tell(self, settlement: Settlement) -> None:
        for observer in self._observers:
            try:
                observer(settlement)
            except Exception:
                log.exception("the observer %r failed", observer)
