"""The mail server goes: absent, of another mind about us, slow, unknown by name."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from helpers.node import Node
from tests.faults.bench import LONG, MESSAGES, PAUSE, Bench
from tests.faults.conftest import BenchMaker
from tests.faults.count import Promise
from tests.faults.outages import QUICK, over, paused, pauses
from tests.proxy import Proxy
from tests.smtp_server import Answer, SmtpServer
from tests.waiting import until

AWAY = 60 if LONG else 3
"""Seconds of an outage that is not over by itself."""

PEOPLE = [f"{name}@example.org" for name in ("ada", "bob", "eve", "joe", "zoe")]
USER = {"notifiers__email__username": "ada", "notifiers__email__password": "secret"}


class Greylisting(SmtpServer):
    """Refuses the first try for each recipient."""

    def __init__(self, refusal: str, **options: Any) -> None:
        super().__init__(**options)
        self.refusal = refusal
        self.known: set[str] = set()

    def _scripted(self, point: str, line: str) -> Answer | None:
        scripted = super()._scripted(point, line)
        if point == "RCPT" and scripted is None and line not in self.known:
            self.known.add(line)
            return self.refusal
        return scripted


@pytest.fixture
async def guarded(benches: BenchMaker, node: Node, virtual_host: str) -> AsyncIterator[Bench]:
    """A bench with a mail server that wants to know who we are."""
    async with SmtpServer(users={"ada": "secret"}, pause=PAUSE) as server:
        yield await benches(node.url + virtual_host, server)


async def test_it_is_stopped_and_started_again(bench: Bench, smtp: SmtpServer):
    await bench.publish()
    await bench.start(**QUICK)
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        smtp.answer("MAIL", "421 4.3.2 shutting down", always=True)
        await paused(bench)
        await until(lambda: smtp.seen["BODY"] == smtp.seen["DOT"], what="what it has taken is answered")
        await smtp.stop()
        smtp.forget()
        await asyncio.sleep(AWAY)  # the fault itself
        await smtp.__aenter__()

    await bench.verdict("SMTP stopped, started again")
    assert 1 == pauses(bench)


async def test_it_is_killed_and_started_again(bench: Bench, smtp: SmtpServer):
    """Of ten mails the final dot was written, so nobody knows, and an attempt is counted; here none of them came."""
    await bench.publish()
    await bench.start(**QUICK)
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        await smtp.stop()
        await paused(bench)
        await asyncio.sleep(AWAY)  # the fault itself
        await smtp.__aenter__()

    await bench.verdict("SMTP killed, started again", Promise(burnt=10))
    assert 1 == pauses(bench)
    assert {"smtp-unanswered"} >= {one["reason"] for one in bench.lines() if one["outcome"] == "deferred"}


async def test_it_is_absent_from_the_start(bench: Bench, smtp: SmtpServer):
    await smtp.stop()
    await bench.publish()
    async with bench.fault():
        await bench.start()
        await paused(bench)
        await smtp.__aenter__()

    await bench.verdict("SMTP absent at start")
    assert 1 == pauses(bench)


async def test_it_refuses_our_login_for_a_while(guarded: Bench):
    server = guarded.mails
    assert isinstance(server, SmtpServer)
    await guarded.publish()
    await guarded.start(**USER, **QUICK)
    await guarded.sent(MESSAGES // 5)
    async with guarded.fault():
        server.users["ada"] = "changed"
        await paused(guarded)
        server.users["ada"] = "secret"

    await guarded.verdict("SMTP refuses the login (535)")
    assert 1 == pauses(guarded)


async def test_the_name_of_the_server_is_not_known(bench: Bench):
    """No test can change what names mean on this machine: the name never resolves, until the settings name another."""
    await bench.publish()
    async with bench.fault():
        lost = await bench.start(notifiers__email__host="mail.example.invalid")
        await paused(bench)
        await until(lambda: lost.running and pauses(bench) == 1)
        lost.terminate()
        assert 0 == await lost.ended()
        assert len(bench.expected) == await bench.waiting()
        await bench.start()

    await bench.verdict("DNS: no such mail server")


async def test_the_name_of_the_broker_is_not_known(bench: Bench):
    """As above: it is waited for, and nothing of it is an end."""
    await bench.publish()
    async with bench.fault():
        lost = await bench.start(ready=False, brokers__rabbitmq__url="amqp://guest:guest@broker.example.invalid/")
        await until(lambda: any("trying on until it can" in line["event"] for line in lost.log))
        lost.terminate()
        assert 0 == await lost.ended()
        await bench.start()

    await bench.verdict("DNS: no such broker")


async def test_it_greylists(benches: BenchMaker, node: Node, virtual_host: str):
    """Without the word for it, which would mean to wait for five minutes: see the long form."""
    async with Greylisting("450 4.2.0 come again later", pause=PAUSE) as server:
        bench = await benches(node.url + virtual_host, server)
        await bench.publish()
        async with bench.fault():
            await bench.start()
            await until(lambda: len(server.known) > MESSAGES // 2)

        await bench.verdict("greylisting, each recipient once", Promise(burnt=MESSAGES))


if LONG:

    async def test_it_greylists_and_says_so(benches: BenchMaker, node: Node, virtual_host: str):
        async with Greylisting("450 4.7.1 greylisted, come again later") as server:
            bench = await benches(node.url + virtual_host, server)
            await bench.publish()
            async with bench.fault():
                await bench.start()
                await until(lambda: len(server.known) == MESSAGES, 60)
            promise = Promise(burnt=MESSAGES, recovery=310.0)

            await bench.verdict("greylisting, with the word for it: 5 minutes", promise, within=400)


async def test_one_recipient_of_five_is_refused(bench: Bench, smtp: SmtpServer):
    smtp.answer("RCPT", "550 5.1.1 no such user", about="bob@", always=True)
    ids = await bench.publish(to=PEOPLE)
    async with bench.fault():
        await bench.start()
        await bench.sent(1)

    await until(lambda: len(smtp.mails) >= MESSAGES, 120, what="all mails")
    await until(_has(bench, MESSAGES), 120, what="all dead letters")
    row = await bench.verdict("1 recipient of 5 refused", Promise(dead=ids))
    others = [one for one in PEOPLE if not one.startswith("bob@")]
    assert [others] * MESSAGES == [mail.recipients for mail in smtp.mails]
    assert MESSAGES == len(row.letters)


def _has(bench: Bench, letters: int) -> Any:
    async def condition() -> bool:
        return await bench.waiting("email.dead") == letters

    return condition


async def test_the_line_trickles_for_a_while(bench: Bench, mail_proxy: Proxy):
    """A byte a second; the daemon is more patient than that lasts."""
    await bench.publish()
    await bench.start(notifiers__email__port=mail_proxy.port)
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        mail_proxy.rate = 1
        await asyncio.sleep(2 * AWAY if not LONG else 20)  # the fault itself
        mail_proxy.rate = None

    await bench.verdict("line to SMTP at 1 byte a second, within our patience")


async def test_the_line_trickles_for_longer_than_we_wait(bench: Bench, mail_proxy: Proxy):
    """Of whom the answer to the final dot was on its way nobody knows whether they have the mail."""
    patience = {"connect": "500ms", "command": "500ms", "data": "500ms", "final_reply": "1s"}
    await bench.publish()
    await bench.start(
        notifiers__email__port=mail_proxy.port,
        **{f"notifiers__email__timeouts__{name}": value for name, value in patience.items()},
    )
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        mail_proxy.rate = 1
        await paused(bench)
        await asyncio.sleep(AWAY)  # the fault itself
        mail_proxy.rate = None

    await bench.verdict("line to SMTP at 1 byte a second, beyond our patience", Promise(burnt=14, twice=10))


async def test_the_line_is_slow(bench: Bench, mail_proxy: Proxy):
    await bench.publish()
    await bench.start(notifiers__email__port=mail_proxy.port)
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        mail_proxy.delay = 0.3
        await bench.sent(len(bench.arrived()) + 20)
        mail_proxy.delay = 0.0

    await bench.verdict("line to SMTP with 0.3 s of delay")


async def test_the_line_is_cut_again_and_again(bench: Bench, mail_proxy: Proxy):
    """Each cut may hit ten mails of which nobody knows whether they were taken."""
    await bench.publish()
    await bench.start(notifiers__email__port=mail_proxy.port)
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        for _ in range(3):
            await bench.sent(len(bench.arrived()) + 10)
            mail_proxy.cut()

    await bench.verdict("line to SMTP reset 3 times", Promise(burnt=None, twice=30))


async def test_the_line_loses_everything_without_a_word(bench: Bench, mail_proxy: Proxy):
    await bench.publish()
    patience = {"notifiers__email__timeouts__command": "1s", "notifiers__email__timeouts__final_reply": "1s"}
    await bench.start(notifiers__email__port=mail_proxy.port, **patience)
    await bench.sent(MESSAGES // 5)
    async with bench.fault():
        mail_proxy.vanish()
        await over(bench)

    await bench.verdict("line to SMTP half-open", Promise(burnt=10, twice=10))
