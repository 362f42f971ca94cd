"""An outage pauses the queue, not the messages.

taking   ── a try ends in an outage ──▶ paused: nothing is taken, a probe asks again and again, ever more slowly
paused   ── the probe finds it back ──▶ trying: one message at a time
trying   ── one gets through ─────────▶ taking
         ── an outage again ──────────▶ paused, and the probe goes on as slowly as it was
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from time import monotonic

from dispatcher.backoff import backoff
from dispatcher.brokers.base import Subscription
from dispatcher.cancelling import is_ours
from dispatcher.words.errors import DispatcherError, Failure, Kind, Reason, SomeFailed
from dispatcher.words.health import State
from dispatcher.words.values import format_duration

MOST_UNANSWERED = 5
"""So many in a row that were handed over and not answered pause the queue."""

Probe = Callable[[], Awaitable[object]]
"""Tries the way to the service; raises `Failure` when that is not there."""

_BEFORE_THE_SERVICE = frozenset(
    {
        Reason.TEMPLATE_MISSING,
        Reason.TEMPLATE_BROKEN,
        Reason.PACED,
        Reason.HELD,
        Reason.DIED,
        Reason.INTERRUPTED,
        Reason.INTERNAL_ERROR,
    }
)
"""Failures that say nothing about the service, besides those that are the message's own."""

log = logging.getLogger(__name__)


async def no_probe() -> None:
    """Find every service back at once."""


class Outages:
    """Watches over the service of one queue.

    Args:
        queue: its name.
        probe: asks whether the service is back.
        shortest: seconds until it is asked for the first time.
        longest: seconds where these waits stop growing.

    Attributes:
        state: what is done with the queue.
        since: when that began; nothing where it has always been so.
        text: why, while it is not taken from.

    """

    def __init__(self, queue: str, probe: Probe = no_probe, shortest: float = 1.0, longest: float = 60.0) -> None:
        self.state = State.TAKING
        self.since: datetime | None = None
        self.text: str | None = None
        self._queue = queue
        self._probe = probe
        self._spread = shortest, longest
        self._began = asyncio.Event()
        self._trial: asyncio.Future[bool] | None = None
        self._trial_began = 0.0
        self._unanswered = 0

    @property
    def paused(self) -> bool:
        """Whether nothing is to be tried."""
        return self.state is State.PAUSED

    def forbids(self, began: float) -> Failure | None:
        """Give why a try that began then (by `monotonic`), and has handed nothing over yet, had better go back."""
        if self.state is State.TAKING or (self.state is State.TRYING and began >= self._trial_began):
            return None
        return Failure(Kind.OUTAGE, Reason.INTERRUPTED, f"{self._queue} is paused, because {self.text}")

    def note(self, error: Failure | SomeFailed | None, began: float) -> bool:
        """Learn from the end of a try; tell whether it met an outage.

        Args:
            error: what went wrong, if anything did.
            began: when the try did, by `monotonic`.

        """
        if error is None:
            self._unanswered = 0
            if self._tries(began):
                self._decide(got_through=True)
            return False
        failures = list(error.failures.values()) if isinstance(error, SomeFailed) else [error]
        outage = next(
            (one for one in failures if one.kind is Kind.OUTAGE and one.reason is not Reason.INTERRUPTED), None
        )
        trouble = outage or self._doubt(failures)
        if trouble is not None:
            self._pause(trouble, began)
        elif self._tries(began) and any(map(_shows_the_service, failures)):
            self._decide(got_through=True)
        return outage is not None

    def _doubt(self, failures: Collection[Failure]) -> Failure | None:
        """Give what several in a row have met after they were handed over.

        Nobody knows any more whether anything is sent, and each try may send one more: better wait for an answer.
        """
        if failures and all(one.kind is Kind.UNKNOWN and one.reason is not Reason.DIED for one in failures):
            self._unanswered += 1
            last = next(iter(failures))
            text = f"{last.text}; so it was {MOST_UNANSWERED} times in a row"
            return Failure(Kind.OUTAGE, last.reason, text) if self._unanswered >= MOST_UNANSWERED else None
        if any(map(_shows_the_service, failures)):
            self._unanswered = 0
        return None

    async def watch(self, subscription: Subscription) -> None:
        """Pause and resume a subscription, outage after outage, until it is cancelled."""
        while True:
            await self._began.wait()
            began = monotonic()
            log.warning("%s: paused, because %s; no message is touched until that is over", self._queue, self.text)
            await self._until_over(subscription)
            self._began.clear()
            self._become(State.TAKING, None)
            await subscription.resume()
            took = format_duration(timedelta(seconds=round(monotonic() - began)))
            log.info("%s: taking messages again, after %s", self._queue, took)

    def _pause(self, outage: Failure, began: float) -> None:
        if self._tries(began):
            self.text = outage.text
            self._decide(got_through=False)
        elif self._trial is None and not self._began.is_set() and began >= self._trial_began:
            self._become(State.PAUSED, outage.text)
            self._began.set()

    def _tries(self, began: float) -> bool:
        """Tell whether a try is the one that goes first: what is older may end well though the service is away."""
        return self._trial is not None and began >= self._trial_began

    def _decide(self, *, got_through: bool) -> None:
        if self._trial is not None and not self._trial.done():
            self._trial.set_result(got_through)

    def _become(self, state: State, text: str | None) -> None:
        if state is State.TAKING or self.state is State.TAKING:
            self.since = datetime.now(UTC)
        self.state, self.text = state, text

    async def _until_over(self, subscription: Subscription) -> None:
        waits = backoff(*self._spread)
        said = False
        while True:
            self._become(State.PAUSED, self.text)
            await subscription.pause()
            await asyncio.sleep(next(waits))
            if not await self._is_back():
                continue
            if not said:
                log.info("%s: it answers again; one message is tried first", self._queue)
                said = True
            if await self._try_one(subscription):
                return

    async def _is_back(self) -> bool:
        try:
            await self._probe()
        except DispatcherError as error:
            self.text = str(error)
            return False
        except asyncio.CancelledError:
            if is_ours():
                raise
            log.exception("the probe of %s was broken off", self._queue)
            return False
        except Exception:
            log.exception("a bug in the probe of %s", self._queue)
            return False
        return True

    async def _try_one(self, subscription: Subscription) -> bool:
        """Take one message at a time until one tells; tell whether it got through."""
        self._trial = asyncio.get_running_loop().create_future()
        self._trial_began = monotonic()
        self._become(State.TRYING, self.text)
        try:
            await subscription.resume(1)
            return await self._trial
        finally:
            self._trial = None


def _shows_the_service(failure: Failure) -> bool:
    return failure.kind is not Kind.CONTENT and failure.reason not in _BEFORE_THE_SERVICE
