"""Where a fault is tried out: messages with numbers, a publisher with confirms, daemons, a mail server that counts.

    async def test_...(bench: Bench):
        await bench.publish()                   # m0, m1 … as a backlog; or `async with bench.flow():`, a steady one
        await bench.start()                     # a daemon, as a process; more than one is possible
        await bench.sent(MESSAGES // 5)         # it is under way
        async with bench.fault():               # from here …
            await break_something_and_mend_it()
        await bench.verdict("what happened")    # … to here; waits for quiet, counts, holds it against the promise

Nothing here sleeps for a time that was guessed: what is waited for is a condition.
"""

import os
import signal
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, Self

import aio_pika

from tests.daemon import Daemon
from tests.faults.count import Death, Mails, Promise, Row, Tally
from tests.faults.publisher import Publisher, broker_may_be_away
from tests.waiting import until

LONG = os.environ.get("FAULTS") == "long"
"""Whether this is `make faults`: more messages, more kills, longer outages."""

MESSAGES = 2_000 if LONG else 250
PAUSE = 0.1
"""Seconds between a mail's final dot and its reply, so that a load lasts…"""

CONNECTIONS = 10
"""…with so many connections to the mail server at most: a case that tells of the usual number sets it to `USUAL`."""

USUAL = 50
"""The setting that is left out by most people; the daemon begins with four and finds out how many are worth it."""

RUNGS = ("300ms", "600ms", "1200ms", "2400ms")
QUEUE = "email"
LINES = 60
DULL = ("logger", "level")
"""What is left out of the lines that are printed."""

TEMPLATE = "Hello {{ name }}!\n"


def usual_settings(url: str, port: int) -> dict[str, object]:
    """Give the settings of every daemon here: as little patience as is sound."""
    return {
        "brokers__rabbitmq__url": url,
        "brokers__rabbitmq__heartbeat": "2s",
        "brokers__rabbitmq__watch": "1s",
        "brokers__rabbitmq__connect_timeout": "3s",
        "notifiers__email__port": port,
        "notifiers__email__connections": CONNECTIONS,
        "service__retry__ladder": ",".join(RUNGS),
        "service__probe__shortest": "100ms",
        "service__probe__longest": "1s",
    }


def queues(queue: str = QUEUE) -> tuple[str, ...]:
    """Name the queues of a bench, the dead letters' last."""
    return (queue, *(f"{queue}.retry.{rung}" for rung in RUNGS), f"{queue}.dead")


class Bench(Publisher):
    """One case; an asynchronous context manager that ends the daemons. It is the publisher, too.

    Attributes:
        folder: where daemons are started; `templates/email/hello.txt.jinja2` lies in it, their journal too.
        mails: the mail server: `SmtpServer`, or `Sink`.
        daemons: all that were started, in order.
        gone: how many messages an operator took away.
        row: the line of the table, after the verdict.
        fault_ended: when the last fault ended, as `time.monotonic()` gives it.
        deaths: of daemons.

    """

    def __init__(
        self, url: str, folder: Path, mails: Mails, *, arguments: dict[str, Any] | None = None, queue: str = QUEUE
    ) -> None:
        super().__init__(url, queue, arguments)
        self.folder = folder
        self.mails = mails
        self.daemons: list[Daemon] = []
        self.gone = 0
        self.row: Row | None = None
        self.fault_ended = 0.0
        self.deaths: list[Death] = []
        self._tally = Tally(mails)
        self._stack = AsyncExitStack()
        path = folder / "templates" / "email" / "hello.txt.jinja2"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEMPLATE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        self._tell()

    def _tell(self) -> None:
        """Print what the daemons had to say, which pytest shows where a case fails."""
        for number, daemon in enumerate(self.daemons):
            for line in [line for line in daemon.log if line.get("outcome") != "accepted"][-LINES:]:
                print(f"daemon {number}:", {name: value for name, value in line.items() if name not in DULL})

    async def publish(self, count: int = MESSAGES, **fields: Any) -> list[str]:
        """Publish a backlog; give its ids. The queue is made when missing."""
        return await super().publish(count, **fields)

    # Daemons

    async def start(self, *, ready: bool = True, **settings: object) -> Daemon:
        """Start a daemon with the usual settings and these; wait until it takes messages."""
        usual = usual_settings(self.url, self.mails.port)
        name = {"notifiers__email__hostname": _name(len(self.daemons))}
        daemon = Daemon(self.folder, **{**usual, **name, **settings})
        self._stack.push_async_callback(daemon.kill)
        self.daemons.append(daemon)
        await daemon.start(ready=ready)
        return daemon

    async def kill(self, daemon: Daemon) -> None:
        """Kill a daemon at once, and remember what was on the wire then; `await daemon.start()` starts it anew."""
        at, sessions = monotonic(), self.mails.connections
        await daemon.kill()
        self._note_death(daemon, at, sessions)

    def kill_member(self, daemon: Daemon) -> None:
        """Kill one process of a daemon at once; the others are on the wire under the same name."""
        at, sessions = monotonic(), self.mails.connections
        os.kill(daemon.members[0], signal.SIGKILL)
        self._note_death(daemon, at, sessions)

    def _note_death(self, daemon: Daemon, at: float, sessions: int) -> None:
        settled = {line["id"] for one in self.daemons for line in one.settled()}
        self.deaths.append(Death(_name(self.daemons.index(daemon)), at, sessions, settled))

    # Waiting

    def arrived(self) -> set[str]:
        """Give the ids of the mails that came."""
        return set(self._tally.count())

    async def sent(self, count: int, within: float = 30.0) -> None:
        """Wait until so many messages came."""
        await until(lambda: len(self._tally.count()) >= count, within, f"{count} mails")

    @asynccontextmanager
    async def fault(self) -> AsyncIterator[None]:
        """Frame a fault: recovery is counted from the end of the block. It must begin while there is work to do."""
        assert self.expected - self.arrived(), "everything was sent before the fault: publish more, or begin earlier"
        yield
        self.fault_ended = monotonic()

    async def waiting(self, queue: str | None = None) -> int:
        """Count what is ready in a queue, the work queue if not said; 0 where there is no such queue."""
        async with self.operator() as channel:
            try:
                declared = await channel.declare_queue(queue or self.queue, passive=True, timeout=5)
            except aio_pika.exceptions.ChannelNotFoundEntity:
                return 0
            return declared.declaration_result.message_count or 0

    async def verdict(self, name: str, promise: Promise | None = None, *, within: float = 30.0) -> Row:
        """Wait for quiet, end the daemons, count, and hold it against the promise.

        Args:
            name: the case, as the table calls it.
            promise: what may happen; the general promise, if not said.
            within: seconds to wait for the last message.

        """
        promise = promise or Promise()
        self.mails.pause = 0.0
        await _patiently(until(self._all_came, within))
        await _patiently(until(self._queues_are_empty, 10.0))
        codes = await self._end_daemons()
        dead = await self._dead_letters()
        left = await self._left()
        row = self._tally.row(name, self, dead)
        self.row = replace(row, dead=len(dead.keys() - set(promise.dead)))
        promise.hold(self.row, self._tally, self.deaths, left=left, codes=codes)
        return self.row

    def _all_came(self) -> bool:
        counted = self._tally.count()
        if len(counted) + self.gone + len(self.rejected()) < len(self.expected):
            return False
        return len(self.expected - set(counted) - self.rejected()) <= self.gone

    def rejected(self) -> set[str]:
        """Give the ids that the daemons said they had given up."""
        return {line["id"] for one in self.daemons for line in one.settled() if line["outcome"] == "rejected"}

    async def _queues_are_empty(self) -> bool:
        return await self._left() == 0

    async def _left(self) -> int | None:
        """Count what waits in all queues but the dead letters'; nothing where the broker does not answer."""
        with broker_may_be_away():
            return sum([await self.waiting(queue) for queue in queues(self.queue)[:-1]])
        return None

    async def _end_daemons(self) -> list[int]:
        running = [daemon for daemon in self.daemons if daemon.running]
        for daemon in running:
            daemon.terminate()
        return [await daemon.ended() for daemon in running]

    async def _dead_letters(self) -> dict[str, str]:
        """Take the dead letters out: their reasons by id."""
        found: dict[str, str] = {}
        async with self.operator() as channel:
            queue = await channel.get_queue(f"{self.queue}.dead", ensure=False)
            while (letter := await _get(queue)) is not None:
                headers = letter.headers
                name = headers.get("dispatcher-id") or letter.message_id or f"without an id, {len(found)}"
                found[str(name)] = f"{headers.get('dispatcher-reason')}: {headers.get('dispatcher-error')}"
        return found

    def lines(self, event: str = "settled") -> Iterable[dict[str, Any]]:
        """Give the lines of all daemons' logs about an event."""
        return (line for one in self.daemons for line in one.log if line["event"] == event)


def _name(number: int) -> str:
    """Give the name under which a daemon introduces itself to the mail server."""
    return f"daemon{number}.example.org"


async def _get(queue: aio_pika.abc.AbstractQueue) -> aio_pika.abc.AbstractIncomingMessage | None:
    try:
        return await queue.get(no_ack=True, fail=False)
    except aio_pika.exceptions.ChannelNotFoundEntity:
        return None


async def _patiently(waiting: Coroutine[Any, Any, None]) -> None:
    """Wait for quiet in vain rather than fail: the count says more."""
    with suppress(AssertionError):
        await waiting
