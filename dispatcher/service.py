"""The daemon: come up, serve, drain.

start   the broker is reached, each queue has its consumer
serve   until the first signal
drain   take nothing new, finish what is in hand, after a deadline give the rest back, close
        a second signal skips the waiting
"""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import timedelta
from typing import Any

from dispatcher.brokers.base import Broker, Subscription
from dispatcher.factories import Lane, make_broker, make_consumer, make_journal, make_lanes
from dispatcher.flow.consumer import Consumer, Observer
from dispatcher.flow.journal import Journal
from dispatcher.health import HealthPage
from dispatcher.observers.figures import Count
from dispatcher.observers.log import LogObserver
from dispatcher.settings import Settings
from dispatcher.words.errors import ConsumerEnded
from dispatcher.words.figures import Figures
from dispatcher.words.health import Health, QueueHealth, State

SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger(__name__)


def _say_ready() -> None:
    log.info("ready")


class Dispatcher:
    """One daemon, or one process of a daemon that has several.

    Args:
        settings: everything that can be set.
        broker: another one than the settings name, for trying things out in one process.
        lanes: what serves each queue, likewise.
        observers: told of each settlement; the log, unless others are given.
        journal: what remembers messages, likewise.
        on_ready: called when it takes messages; says so in the log, unless another one is given.

    Attributes:
        up: it takes messages, or has.

    """

    def __init__(
        self,
        settings: Settings,
        *,
        broker: Broker | None = None,
        lanes: Sequence[Lane] | None = None,
        observers: Sequence[Observer] | None = None,
        journal: Journal | None = None,
        on_ready: Callable[[], None] = _say_ready,
    ) -> None:
        self._settings = settings
        self._journal = journal or make_journal(settings)
        self._health_page = HealthPage(settings.service.health, lambda: self.health, self._measure)
        self._broker = broker or make_broker(settings)
        self._lanes = lanes if lanes is not None else make_lanes(settings)
        self._count = Count()
        told: Sequence[Observer] = observers if observers is not None else (LogObserver(),)
        self._observers: tuple[Observer, ...] = (*told, self._count)
        self._on_ready = on_ready
        self.up = False
        self._subscriptions: list[Subscription] = []
        self._consumers: dict[str, Consumer] = {}
        self._running: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    def stop(self) -> None:
        """Ask it to drain; asked again, it does not wait for what is in hand."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    @property
    def health(self) -> Health:
        """How it is doing."""
        return Health(
            {lane.queue: self._health_of(lane) for lane in self._lanes}, self._journal.trouble, self._stop.is_set()
        )

    @property
    def figures(self) -> Figures:
        """What it did so far."""
        for queue, consumer in self._consumers.items():
            self._count.of(queue).in_hand = consumer.in_hand
        return self._count.figures

    async def run(self) -> bool:
        """Serve until `stop` is called.

        Returns:
            whether everything in hand was finished in time.

        Raises:
            BrokerRefused: the broker says no; the text says what to change.
            ConsumerEnded: a bug.

        """
        try:
            await self._health_page.start()
            if await self._unless_stopped(self._start()):
                self.up = True
                self._on_ready()
                await self._serve()
            return await self._drain()
        finally:
            await self._close()

    async def _start(self) -> None:
        await self._broker.start()
        # Who is off first: what has to be declared would wait behind the deliveries of the others.
        for lane in sorted(self._lanes, key=lambda lane: lane.off is None):
            consumer = make_consumer(lane, self._settings, self._journal, self._observers)
            if consumer is None:
                waiting = await self._broker.declare(lane.queue)
                log.info("%s: off, %s; %d waiting", lane.queue, lane.off, waiting)
                continue
            prefetch = self._settings.brokers.rabbitmq.prefetch
            subscription = await self._broker.subscribe(lane.queue, prefetch=prefetch)
            self._subscriptions.append(subscription)
            self._consumers[lane.queue] = consumer
            self._running.append(asyncio.create_task(consumer.run(subscription), name=f"consumer {lane.queue}"))

    async def _serve(self) -> None:
        """Wait for the first signal. A consumer that ends before has a bug: better a loud end than a silent queue."""
        stop = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait({stop, *self._running}, return_when=asyncio.FIRST_COMPLETED)
        if stop in done:
            return
        stop.cancel()
        for consumer in done:
            log.critical("%s has ended, which must not happen", consumer.get_name(), exc_info=consumer.exception())
        raise ConsumerEnded("a consumer ended by itself; see the log")

    async def _unless_stopped(self, starting: Coroutine[Any, Any, None]) -> bool:
        """Wait for the start, which may take as long as a broker is away; tell whether it came about."""
        start = asyncio.create_task(starting)
        if await _first(start, self._stop):
            start.result()
            return True
        start.cancel()
        await asyncio.wait({start})
        return False

    async def _drain(self) -> bool:
        if self._running:
            log.info("stopping: taking nothing new, finishing what is in hand")
        finish = asyncio.create_task(self._finish(self._settings.service.drain_timeout))
        if await _first(finish, self._hurry):
            return finish.result()
        finish.cancel()
        return await self._finish(timedelta(0))

    async def _finish(self, within: timedelta) -> bool:
        await asyncio.gather(*(subscription.stop() for subscription in self._subscriptions))
        await asyncio.gather(*self._running, return_exceptions=True)  # one with a bug was told of before
        return all(await asyncio.gather(*(consumer.drain(within) for consumer in self._consumers.values())))

    async def _close(self) -> None:
        """Let go of everything; the journal stays open for as long as something can still be settled."""
        try:
            await asyncio.gather(*(lane.notifier.close() for lane in self._lanes if lane.notifier))
        finally:
            await self._broker.close()
            self._journal.close()
            await self._health_page.close()

    def _measure(self) -> bytes:
        from dispatcher.metrics import exposition  # noqa: PLC0415 - most daemons are never asked: it takes its memory

        return exposition(self.health, self.figures)

    def _health_of(self, lane: Lane) -> QueueHealth:
        if lane.off is not None:
            return QueueHealth(State.OFF, None, lane.off)
        consumer = self._consumers.get(lane.queue)
        return consumer.health if consumer else QueueHealth(State.WAITING, None, self._broker.trouble)


async def _first(work: asyncio.Task[Any], event: asyncio.Event) -> bool:
    """Wait for the work or the event; tell whether the work was done."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    return work.done()


async def serve(settings: Settings) -> bool:
    """Run the daemon until a signal; tell whether everything in hand was finished in time."""
    dispatcher = Dispatcher(settings)
    with _signals(dispatcher):
        return await dispatcher.run()


@contextlib.contextmanager
def _signals(dispatcher: Dispatcher) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    # A terminal that is closed says SIGHUP too, and means the end.
    hang_up = dispatcher.stop if sys.stderr.isatty() else _say_why_not
    handlers = dict.fromkeys(SIGNALS, dispatcher.stop) | {signal.SIGHUP: hang_up}
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)


def _say_why_not() -> None:
    log.warning("SIGHUP: nothing is changed; set service.processes to 2 or more, or restart it, for new settings")
