"""Messages that kill, messages to thousands, messages of which nobody knows whether they were sent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.faults.bench import LONG, MESSAGES, Bench
from tests.faults.count import Promise
from tests.smtp_server import CUT, HANG, SmtpServer
from tests.waiting import until

PEOPLE = 10_000 if LONG else 1_000
DEATHS = 3
FEW = 4
"""Connections: the daemon has so many from the start, so all of them hang, and no mail is on another one."""


class Deadly(SmtpServer):
    """Tells when it is asked to send to somebody whose mails kill, and answers nothing."""

    def __init__(self) -> None:
        super().__init__(pause=0.05)
        self.asked = 0

    async def _rcpt(self, session, line):
        if "poison@" in line:
            self.asked += 1
            self._script["RCPT"].appendleft(HANG)
            return await self._say(session, "RCPT", line)
        return await super()._rcpt(session, line)


@asynccontextmanager
async def deaths(bench: Bench, server: Deadly) -> AsyncIterator[None]:
    """Kill the daemon whenever it tries to send to the poisonous one, and start it again as a process manager does."""
    daemon = bench.daemons[0]

    async def kill() -> None:
        for number in range(1, 2 * DEATHS):
            await until(lambda number=number: server.asked >= number, 3_600)
            await bench.kill(daemon)
            await daemon.start()

    killing = asyncio.create_task(kill())
    try:
        yield
    finally:
        killing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await killing


@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_a_message_kills_whoever_sends_it(benches, node, virtual_host, kind: str):
    async with Deadly() as server:
        bench: Bench = await benches(node.url + virtual_host, server, arguments={"x-queue-type": kind})
        await bench.publish(MESSAGES * 2 // 5)
        (poison,) = await bench.publish(1, to="poison@example.org")
        await bench.publish(MESSAGES * 2 // 5)
        async with bench.fault():
            await bench.start(ready=False, brokers__rabbitmq__queue_type=kind)
            async with deaths(bench, server):
                await until(lambda: any(one["outcome"] == "rejected" for one in bench.lines()), 30, "the dead letter")

        promise = Promise(dead={poison}, burnt=1, recovery=None)
        row = await bench.verdict(f"a message kills whoever sends it ({kind} queue)", promise)
    assert DEATHS == len(bench.deaths)
    assert list(row.letters) == [poison]
    assert row.letters[poison].startswith(f"died: the dispatcher died {DEATHS} times with this message")
    assert set(row.charged) <= {poison}


BUSY = 1.5
"""Seconds of work that the daemon has with nothing but this message, once it takes from the queue."""

SLOW = "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}"


def takings(bench: Bench) -> int:
    """Count how often a daemon began to take from the queue."""
    return sum(1 for _ in bench.lines("taking deliveries from the queue email"))


async def test_a_message_kills_whoever_renders_it(bench: Bench):
    """As one does that takes all the memory: the machine kills the daemon in the middle of the render."""
    (bench.folder / "templates" / "email" / "slow.txt.jinja2").write_text(SLOW)
    (poison,) = await bench.publish(1, template="slow")
    settings = {"service__templates__time_limit": "1h"}
    async with bench.fault():
        daemon = await bench.start(ready=False, **settings)
        for number in range(1, DEATHS + 1):
            await until(lambda number=number: takings(bench) == number, what="it is taken")
            before = daemon.busy
            await until(lambda before=before: daemon.busy > before + BUSY, what="the daemon renders it")
            await bench.kill(daemon)
            await daemon.start(ready=False)
        await until(lambda: any(one["outcome"] == "rejected" for one in bench.lines()), 30, "the dead letter")
    await bench.publish(10)

    row = await bench.verdict("a message kills whoever renders it", Promise(dead={poison}, burnt=1, recovery=None))
    assert row.letters[poison].startswith(f"died: the dispatcher died {DEATHS} times with this message")


async def test_a_message_to_thousands_is_sent_once_to_each(bench: Bench, smtp: SmtpServer):
    """The daemon is killed while it splits, and while it sends. Each of them is a message of its own then."""
    smtp.pause = 0.02
    people = [f"p{number}@example.org" for number in range(PEOPLE)]
    (whole,) = await bench.publish(1, to=people, parameters=[{"name": one} for one in people])
    async with bench.fault():
        daemon = await bench.start()
        await bench.kill(daemon)
        await daemon.start()
        await until(lambda: len(smtp.mails) >= PEOPLE // 5)
        await bench.kill(daemon)
        await daemon.start()
    bench.expected = {f"{whole}.{number}" for number in range(PEOPLE)}

    await bench.verdict(f"{PEOPLE:,} recipients in one message, kill -9 twice", Promise(burnt=None), within=120)
    assert set(people) == {mail.recipients[0] for mail in smtp.mails}


async def test_what_may_have_been_sent_is_a_dead_letter_where_that_is_wished(bench: Bench, smtp: SmtpServer):
    await bench.publish()
    await bench.start(notifiers__email__unknown="dead-letter")
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        smtp.answer("DOT", *[CUT] * 10)
        await until(lambda: sum(one["outcome"] == "rejected" for one in bench.lines()) == 10)
    unknown = {one["id"] for one in bench.lines() if one["outcome"] == "rejected"}

    row = await bench.verdict("unknown: dead-letter; SMTP hangs up after 10 final dots", Promise(dead=unknown))
    assert set(row.letters) == unknown


async def test_what_was_on_the_wire_of_a_killed_daemon_is_a_dead_letter_where_that_is_wished(
    bench: Bench, smtp: SmtpServer
):
    settings = {"notifiers__email__unknown": "dead-letter", "notifiers__email__connections": FEW}
    await bench.publish()
    daemon = await bench.start(**settings)
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        smtp.answer("DOT", *[HANG] * FEW)
        await until(lambda: not smtp._script["DOT"], what="the final dots of all connections wait for an answer")
        await bench.kill(daemon)
        await daemon.start()
        await until(lambda: sum(one["outcome"] == "rejected" for one in bench.lines()) >= FEW, what="the dead letters")
    unknown = {one["id"] for one in bench.lines() if one["outcome"] == "rejected"}

    promise = Promise(dead=unknown, burnt=None)
    row = await bench.verdict("unknown: dead-letter; daemon kill -9 between dot and answer", promise)
    assert (0, FEW) == (row.twice, len(unknown))
