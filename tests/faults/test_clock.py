"""The clock of the machine is set back, and forward, while mails flow.

No test may set the clock of this machine, and no namespace moves only that of one process. So the parts of the daemon
run within the test, all that ask for the time with a clock of ours; broker, journal and mail server are real.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher.brokers.rabbitmq import RabbitBroker
from dispatcher.config import setup
from dispatcher.factories import make_ladder, make_lanes
from dispatcher.flow.circumstances import Circumstances
from dispatcher.flow.consumer import Consumer
from dispatcher.flow.notify import Notify
from dispatcher.flow.outages import Outages
from dispatcher.flow.page import Page
from dispatcher.journal import HostJournal
from dispatcher.notifiers.email import EmailNotifier
from dispatcher.words.outcomes import Settlement
from tests.faults.bench import LONG, MESSAGES, RUNGS, Bench
from tests.faults.count import Promise
from tests.proxy import Proxy
from tests.smtp_server import SmtpServer
from tests.waiting import until


class Clock:
    """The time of the machine, and as much more or less as somebody has set it."""

    def __init__(self) -> None:
        self.set_by = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.set_by

    def seconds(self) -> float:
        return self().timestamp()


class Parts:
    """The parts of a daemon, in this process; stands where the bench has a daemon."""

    running = False

    def __init__(self, url: str, folder: Path, smtp: SmtpServer, clock: Clock) -> None:
        self.log: list[dict[str, Any]] = []
        settings = setup(
            {
                "brokers": {"rabbitmq": {"url": url, "heartbeat": "2s"}},
                "service": {
                    "retry": {"ladder": list(RUNGS)},
                    "templates": {"path": str(folder / "templates")},
                },
                "notifiers": {"email": {"port": smtp.port}},
            }
        )
        self._broker = RabbitBroker(settings.brokers.rabbitmq, make_ladder(settings))
        self._notifier = EmailNotifier(settings.notifiers.email, now=clock)
        self._journal = HostJournal(folder / "journal", timedelta(hours=1), now=clock.seconds)
        page = Page(self._journal, settings.brokers.rabbitmq.address, "email", clock)
        outages = Outages("email", self._notifier.check, 0.1, 1.0)
        handler = Notify(self._notifier, make_lanes(settings)[0].renderer, page, clock)
        watch = Circumstances(page, outages, clock)
        self._consumer = Consumer("email", handler, make_ladder(settings), [self._note], watch)

    def _note(self, settlement: Settlement) -> None:
        outcome = type(settlement.outcomes[0]).__name__.lower()
        message = settlement.message
        self.log.append({"event": "settled", "id": message.id, "attempt": message.attempt, "outcome": outcome})

    def settled(self, message_id: str | None = None) -> list[dict[str, Any]]:
        return [line for line in self.log if message_id in {None, line["id"]}]

    async def start(self) -> None:
        await self._broker.start()
        self._subscription = await self._broker.subscribe("email", prefetch=50)
        self._running = asyncio.create_task(self._consumer.run(self._subscription))

    async def stop(self) -> None:
        await self._subscription.stop()
        await self._consumer.drain(timedelta(seconds=5))
        await self._running
        await self._broker.close()
        await self._notifier.close()
        self._journal.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def parts(
    bench: Bench, broker_proxy: Proxy, virtual_host: str, smtp: SmtpServer, clock: Clock
) -> AsyncIterator[Parts]:
    url = f"amqp://guest:guest@127.0.0.1:{broker_proxy.port}/{virtual_host}"
    parts = Parts(url, bench.folder, smtp, clock)
    bench.daemons.append(parts)  # type: ignore[arg-type]
    await bench.publish()
    await parts.start()
    yield parts
    await parts.stop()


@pytest.mark.parametrize("hours", [-1, 1] if LONG else [-1])
async def test_it_is_set_while_mails_flow(
    bench: Bench, parts: Parts, broker_proxy: Proxy, smtp: SmtpServer, clock: Clock, hours: int
):
    """All have failed once before, so copies carry times of the other clock; connections break on top of that."""
    smtp.answer("RCPT", *["451 4.2.0 not now"] * MESSAGES)
    async with bench.fault():
        await until(lambda: smtp.seen["RCPT"] >= MESSAGES // 2)
        clock.set_by = timedelta(hours=hours)
        for share in (5, 3, 2):
            await bench.sent(MESSAGES // share)
            broker_proxy.cut()

    way = "back" if hours < 0 else "forward"
    await bench.verdict(f"clock set {way} by an hour, broker connection cut 3 times", Promise(burnt=MESSAGES))
