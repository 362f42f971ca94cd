"""The daemon within one process, with a broker in memory: it comes up, serves, drains, and never idles unnoticed."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from dispatcher.brokers.base import Delivery
from dispatcher.brokers.memory import MemoryBroker, MemorySubscription
from dispatcher.config import setup
from dispatcher.factories import make_lanes
from dispatcher.service import Dispatcher
from dispatcher.words.errors import ConsumerEnded
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Accepted, Settlement
from helpers.ports import free_port
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


async def test_health_tells_of_each_queue_from_the_start_to_the_end(folder: Path):
    broker = MemoryBroker()
    async with SmtpServer() as smtp:
        settings = setup(
            {
                "service": {
                    "templates": {"path": str(folder)},
                    "journal": {"path": str(folder / "journal")},
                    "health": {"port": free_port()},
                    "probe": {"shortest": "10ms", "longest": "20ms"},
                },
                "notifiers": {"email": {"port": smtp.port}},
            }
        )
        dispatcher = Dispatcher(settings, broker=broker, observers=[])

        assert {"email": "waiting", "slack": "off", "telegram": "off"} == states(dispatcher)

        running = asyncio.create_task(dispatcher.run())
        await until(lambda: dispatcher.health.ready)
        page = await asyncio.to_thread(ask, settings.service.health.port)

        assert page["ready"]
        assert {"email": "taking", "slack": "off", "telegram": "off"} == states(dispatcher)

        smtp.answer("CONNECT", "554 not now", always=True)
        await broker.publish("email", Message(body=BODY, id="m"))
        await until(lambda: states(dispatcher)["email"] == "paused")

        assert not dispatcher.health.ready
        assert "554 not now" in (dispatcher.health.queues["email"].text or "")

        smtp.forget()
        await until(lambda: states(dispatcher)["email"] == "taking")
        dispatcher.stop()

        assert not dispatcher.health.ready
        assert dispatcher.health.stopping
        assert await running
        assert 1 == len(smtp.mails)


def states(dispatcher: Dispatcher) -> dict[str, str]:
    return {queue: health.state.value for queue, health in dispatcher.health.queues.items()}


def ask(port: int) -> dict[str, Any]:
    with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
        return json.load(answer)
