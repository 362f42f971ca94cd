"""The daemon within one process, with a broker in memory: it comes up, serves, drains, and never idles unnoticed."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatcher.brokers.base import Delivery
from dispatcher.brokers.memory import MemoryBroker, MemorySubscription
from dispatcher.config import setup
from dispatcher.factories import make_lanes
from dispatcher.service import Dispatcher
from dispatcher.words.errors import ConsumerEnded
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Accepted, Settlement
from tests.smtp_server import SmtpServer
from tests.waiting import until

BODY = json.dumps(
    {"template": "hello", "to": "ada@example.org", "parameters": {"name": "Ada"}, "subject": "Hi"}
).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "hello.txt.jinja2").write_text("Hello {{ name }}")
    return tmp_path


async def test_a_message_goes_from_memory_to_smtp_and_observers_are_told(folder: Path):
    told: list[Settlement] = []
    broker = MemoryBroker()
    async with SmtpServer() as smtp:
        settings = setup({"service": {"templates": {"path": str(folder)}}, "notifiers": {"email": {"port": smtp.port}}})
        dispatcher = Dispatcher(settings, broker=broker, observers=[told.append])
        running = asyncio.create_task(dispatcher.run())
        await broker.publish("email", Message(body=BODY, id="m"))
        await until(lambda: bool(told))
        dispatcher.stop()

        assert await running
        assert [(Accepted(),)] == [settlement.outcomes for settlement in told]
        assert "Hello Ada" in smtp.mails[0].message.get_content()


class BrokenSubscription(MemorySubscription):
    async def _deliveries(self) -> AsyncIterator[Delivery]:
        raise ZeroDivisionError
        yield


class BrokenBroker(MemoryBroker):
    async def subscribe(self, queue: str, *, prefetch: int) -> MemorySubscription:
        return BrokenSubscription(self, queue, prefetch)


async def test_a_consumer_that_ends_by_itself_ends_the_daemon_loudly(folder: Path, caplog):
    settings = setup({"service": {"templates": {"path": str(folder)}}})
    dispatcher = Dispatcher(settings, broker=BrokenBroker(), lanes=make_lanes(settings))
    with pytest.raises(ConsumerEnded, match="see the log"):
        await dispatcher.run()

    assert "consumer email has ended, which must not happen" in caplog.text
    assert "ZeroDivisionError" in caplog.text
