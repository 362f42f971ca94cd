"""What is asked to end finishes what it has in hand. What is killed: `tests/faults/`."""

import asyncio
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest

from helpers.node import Node
from tests.daemon import Daemon
from tests.e2e.conftest import Publisher, Starter
from tests.smtp_server import HANG, SmtpServer
from tests.waiting import until

MESSAGES = 500
PAUSE = 0.2
"""Seconds that each mail takes until the fault is over: ten at a time, the load lasts for ten seconds."""
MESSAGE_ID = re.compile(rb"^Message-ID: <([^@]+)@", re.MULTILINE)


def arrived(smtp: SmtpServer) -> Counter[str]:
    """Count the mails by their Message-ID."""
    found = (MESSAGE_ID.search(mail.data) for mail in smtp.mails)
    return Counter(match[1].decode() for match in found if match)


async def flood(publisher: Publisher, count: int = MESSAGES) -> set[str]:
    ids = [f"m{number}" for number in range(count)]
    await asyncio.gather(*(publisher.publish(message_id=one) for one in ids))
    return set(ids)


@pytest.fixture
async def own_node(tmp_path: Path) -> AsyncIterator[Node]:
    """A RabbitMQ for one test, to be stopped."""
    node = Node(tmp_path / "rabbitmq", management=False)
    node.start()
    yield node
    node.remove()


class TestDraining:
    """SIGTERM."""

    @pytest.mark.alone
    async def test_under_load_it_exits_0_in_time_and_cuts_no_mail(
        self, start: Starter, smtp: SmtpServer, publisher: Publisher
    ):
        smtp.pause = PAUSE
        expected = await flood(publisher)
        daemon = await start()
        await until(lambda: len(smtp.mails) > MESSAGES // 3)
        daemon.terminate()
        began = monotonic()
        code = await daemon.ended()
        took = monotonic() - began
        sent = len(smtp.mails)

        assert 0 == code
        assert took < 30
        assert sent < MESSAGES
        assert smtp.seen["BODY"] == smtp.seen["DOT"]
        assert {1} == set(arrived(smtp).values())
        assert len(expected) - sent == await publisher.waiting()

        smtp.pause = 0
        await daemon.start()
        await until(lambda: expected <= set(arrived(smtp)))

        assert {1} == set(arrived(smtp).values())

    async def test_what_does_not_finish_in_time_is_given_back_and_said(
        self, start: Starter, smtp: SmtpServer, publisher: Publisher
    ):
        smtp.answer("RCPT", HANG, always=True)
        daemon = await start(service__drain_timeout="300ms")
        sent = await publisher.publish()
        await smtp.until(lambda: smtp.seen["RCPT"] == 1)
        daemon.terminate()

        assert 3 == await daemon.ended(within=10)
        assert ["released"] == [line["outcome"] for line in daemon.settled(sent)]
        assert 1 == await publisher.waiting()

    async def test_a_second_signal_does_not_wait(self, start: Starter, smtp: SmtpServer, publisher: Publisher):
        smtp.answer("RCPT", HANG, always=True)
        daemon = await start()
        await publisher.publish()
        await smtp.until(lambda: smtp.seen["RCPT"] == 1)
        daemon.terminate()
        await until(lambda: any(line["event"].startswith("stopping") for line in daemon.log))
        daemon.terminate()

        assert 3 == await daemon.ended(within=10)
        assert 1 == await publisher.waiting()

    async def test_who_is_served_already_is_not_served_again_when_many_are_interrupted(
        self, start: Starter, smtp: SmtpServer, publisher: Publisher
    ):
        smtp.answer("RCPT", HANG, about="carol@")
        daemon = await start(service__drain_timeout="300ms")
        sent = await publisher.publish(
            to=["ada@example.org", "bob@example.org", "carol@example.org"], parameters=[{"name": "x"}] * 3
        )
        await smtp.until(lambda: smtp.seen["RCPT"] == 3)
        daemon.terminate()
        await daemon.ended(within=10)

        assert [("deferred", "interrupted")] == [(line["outcome"], line["reason"]) for line in daemon.settled(sent)]

        smtp.forget()
        await daemon.start()
        await until(lambda: len(smtp.mails) == 3)

        assert [["ada@example.org"], ["bob@example.org"], ["carol@example.org"]] == [
            mail.recipients for mail in smtp.mails
        ]

    async def test_while_the_broker_is_frozen_it_ends_in_time(self, own_node: Node, smtp: SmtpServer, folder: Path):
        settings = {"brokers__rabbitmq__url": own_node.url, "notifiers__email__port": smtp.port}
        async with Daemon(folder, **settings) as daemon:
            broker = int((own_node.folder / "rabbitmq.pid").read_text())
            os.kill(broker, signal.SIGSTOP)
            try:
                daemon.terminate()

                assert 0 == await daemon.ended(within=12)
            finally:
                os.kill(broker, signal.SIGCONT)

    async def test_while_the_broker_is_away_it_ends_at_once(self, folder: Path):
        daemon = Daemon(folder, brokers__rabbitmq__url="amqp://guest:guest@127.0.0.1:9/")
        await daemon.start(ready=False)
        await until(lambda: any("trying on until it can" in line["event"] for line in daemon.log))
        daemon.terminate()

        assert 0 == await daemon.ended(within=5)

    async def test_while_an_endpoint_stays_silent_it_ends_at_once(self, folder: Path):
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            taken.set()
            await reader.read()
            writer.close()
            gone.set()

        taken, gone = asyncio.Event(), asyncio.Event()
        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            daemon = Daemon(folder, brokers__rabbitmq__url=f"amqp://guest:guest@127.0.0.1:{port}/")
            await daemon.start(ready=False)
            await taken.wait()
            daemon.terminate()

            assert 0 == await daemon.ended(within=5)
            await gone.wait()
