"""One consumer for each queue: take a delivery, try it once, settle it, tell the observers.

Every delivery is settled exactly once, at the end of `_process`, whatever happened: also when the message cannot be
read, when a handler has a bug, when the daemon stops.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from time import monotonic, perf_counter

from dispatcher.brokers.base import Delivery, Subscription
from dispatcher.cancelling import is_ours
from dispatcher.flow.bugs import failure_of
from dispatcher.flow.circumstances import Circumstances
from dispatcher.flow.hands import Hands
from dispatcher.flow.judge import judge
from dispatcher.flow.once import AlreadySettled, Died, Once
from dispatcher.flow.outages import Outages
from dispatcher.flow.page import Page
from dispatcher.flow.settled import note_kept
from dispatcher.flow.split import SplitUp
from dispatcher.words import messages
from dispatcher.words.errors import DeliveryLost, Failure, Kind, SomeFailed
from dispatcher.words.health import QueueHealth, State
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Accepted, Deferred, Outcome, Released, Settlement, Split
from dispatcher.words.retries import HOLD, LONGEST_WAIT, Ladder

Handler = Callable[[Message], Awaitable[None]]
Observer = Callable[[Settlement], None]

MOST_RETURNS = 5
"""A message that the broker has handed out so many times is not given back once more."""

_NOT_EARLY = timedelta(0)

log = logging.getLogger(__name__)


class Ended(Exception):
    """A try ended with an outcome that needs no judge."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class Consumer:
    """Works off the deliveries of one queue, as many side by side as the subscription hands out.

    Args:
        queue: the name of the work queue.
        handler: tries a message once; returns when it was served, raises `Failure` or `SomeFailed` when not.
        ladder: the delays between attempts.
        observers: told of each settlement.
        circumstances: what is known of its messages, and of the service they go to.

    """

    def __init__(
        self,
        queue: str,
        handler: Handler,
        ladder: Ladder,
        observers: Sequence[Observer],
        circumstances: Circumstances | None = None,
    ) -> None:
        around = circumstances or Circumstances(Page(queue=queue), Outages(queue))
        self._queue = queue
        self._handler = handler
        self._ladder = ladder
        self._observers = observers
        self._now = around.now
        self._page = around.page
        self._outages = around.outages
        self._once = Once(around.page, around.now)
        self._subscription: Subscription | None = None
        self._hands = Hands()

    async def run(self, subscription: Subscription) -> None:
        """Take deliveries until the subscription is stopped."""
        self._subscription = subscription
        taking = asyncio.create_task(self._take(subscription))
        watching = asyncio.create_task(self._outages.watch(subscription))
        try:
            done, _ = await asyncio.wait({taking, watching}, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()  # who watches for outages ends with a bug only: better an end than a false peace
        finally:
            taking.cancel()
            watching.cancel()

    async def _take(self, subscription: Subscription) -> None:
        async for delivery in subscription:
            self._hands.take(self._process(delivery))

    @property
    def health(self) -> QueueHealth:
        """How the queue is doing."""
        outages = self._outages
        if outages.state is not State.TAKING:
            return QueueHealth(outages.state, outages.since, outages.text)
        trouble = self._subscription.trouble if self._subscription else "not begun yet"
        return QueueHealth(State.WAITING if trouble else State.TAKING, outages.since, trouble)

    @property
    def in_hand(self) -> int:
        """How many deliveries are in hand."""
        return len(self._hands)

    async def drain(self, within: timedelta) -> bool:
        """Finish what is in hand, after the subscription was stopped.

        Args:
            within: after this time, what is still being tried is interrupted and given back.

        Returns:
            whether everything was finished in time.

        """
        return await self._hands.drain(within)

    async def _process(self, delivery: Delivery) -> None:
        if delivery.stale:
            return  # its message comes again
        started = perf_counter()
        message = delivery.message
        outcomes: tuple[Outcome, ...]
        try:
            outcomes = await self._try(message)
        except DeliveryLost:
            outcomes, lost = (Released(),), True
        except Exception as bug:  # noqa: BLE001 - whatever it was, the message is settled
            outcomes = (Deferred(message.with_headers({}), self._ladder.rungs[-1], failure_of(bug, message)),)
            lost = await self._settle(delivery, outcomes)
        else:
            if isinstance(outcomes[0], Released):
                self._page.renew(message)
            lost = await self._settle(delivery, outcomes)
        self._tell(
            Settlement(
                queue=self._queue,
                message=message,
                outcomes=outcomes,
                seconds=perf_counter() - started,
                lost=lost,
                redelivered=message.redelivered,
            )
        )

    async def _try(self, message: Message) -> tuple[Outcome, ...]:
        """Let the handler try once, and judge how that went.

        Raises:
            DeliveryLost: the broker took the message back before it was sent.

        """
        not_before = message.not_before
        early = not_before - self._now() if not_before is not None else _NOT_EARLY
        if early > LONGEST_WAIT:
            early = _NOT_EARLY  # nobody of us said that: a publisher did, or a clock that was wrong
        if early > HOLD:
            return (self._before_its_time(message, early),)
        if self._outages.paused:
            return (Released(),)
        on_trial, began = self._outages.state is State.TRYING, monotonic()
        error: Failure | SomeFailed | None = None
        try:
            await self._handle(message, early)
        except (Failure, SomeFailed) as failure:
            error = failure.with_traceback(None)  # it holds whatever the message held, until cycles are looked for
        except Ended as ended:
            return (ended.outcome,)
        is_outage = self._outages.note(error, began)
        if isinstance(error, Died):
            message = message.with_headers({messages.DEATHS: error.deaths})
        outcomes = judge(message, error, self._queue, self._ladder, self._now())
        if is_outage and isinstance(outcomes[0], Released) and (on_trial or message.returned >= MOST_RETURNS):
            return (self._round_again(message, error),)
        return outcomes

    async def _handle(self, message: Message, early: timedelta) -> None:
        """Have the message handled when its time has come.

        Raises:
            Failure, SomeFailed: it was tried, and these were not served.
            Ended: it needs no judge.
            DeliveryLost: the broker took it back.

        """
        task = self._hands.begin_trying()
        try:
            if early > _NOT_EARLY:
                await asyncio.sleep(early.total_seconds())
            async with self._once.in_hand(message):
                await self._handler(message)
        except (Failure, SomeFailed, DeliveryLost):
            raise
        except AlreadySettled:
            message.notes["remark"] = "settled before; the broker had not heard of it"
            raise Ended(Accepted()) from None
        except SplitUp as split:
            raise Ended(Split(split.parts)) from None
        except asyncio.CancelledError as cancelled:
            if is_ours():
                raise Ended(Released()) from None
            raise failure_of(cancelled, message) from None  # a library's own, nobody cancelled us
        except Exception as bug:  # noqa: BLE001 - whatever it was, the message is settled
            raise failure_of(bug, message) from None
        finally:
            self._hands.end_trying(task)

    def _before_its_time(self, message: Message, wait: timedelta) -> Deferred:
        """Let a message that still has to wait go round again, untried and as it is."""
        failure = Failure(Kind.THROTTLED, message.reason, f"it waits until {message.not_before:%Y-%m-%d %H:%M:%SZ}")
        return Deferred(message.with_headers({}), self._ladder.towards(wait), failure)

    def _round_again(self, message: Message, outage: Failure | SomeFailed | None) -> Deferred:
        """Let a message wait for a moment that was to tell whether an outage is over, or was given back often.

        Again and again, it would be taken for poison by a queue that counts its deliveries.
        """
        failure = next(iter(outage.failures.values())) if isinstance(outage, SomeFailed) else outage
        assert failure is not None  # noqa: S101 - without an outage nobody comes here
        return Deferred(message.with_headers({}), self._ladder.delays[0], failure)

    async def _settle(self, delivery: Delivery, outcomes: tuple[Outcome, ...]) -> bool:
        """Settle; tell whether that was too late."""
        message = delivery.message
        try:
            await delivery.settle(*outcomes, kept=lambda: note_kept(self._page, message, outcomes))
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
