"""A message that cannot be read at all costs its own queue, and no other."""

import asyncio
import struct

import pytest
from pamqp.header import ContentHeader

from dispatcher.brokers.rabbitmq import RabbitBroker, poison, tolerance
from dispatcher.words.outcomes import Accepted
from helpers.node import Node
from tests import raw_amqp
from tests.brokers.contract import message, take, taking
from tests.management import Management
from tests.waiting import until

FAR = struct.pack(">Q", (1 << 63) - 1)


@pytest.fixture
def intolerant(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library as it comes: a property that it cannot decode ends the connection."""
    monkeypatch.setattr(ContentHeader, "unmarshal", tolerance._decode)
    monkeypatch.setattr(poison, "CAREFUL_FOR", 0.5)


@pytest.mark.usefixtures("intolerant")
async def test_its_queue_is_taken_from_apart_until_it_is_gone(
    node: Node, broker: RabbitBroker, queue: str, management: Management, caplog
):
    other = f"{queue}-other"
    subscription = await broker.subscribe(queue, prefetch=10)
    deliveries = aiter(subscription)
    async with taking(broker, other) as others:
        odd = (raw_amqp.TIMESTAMP, FAR)
        await asyncio.to_thread(raw_amqp.publish, node.amqp_port, "/", queue, b"odd", *odd)
        await until(lambda: "cannot be read and ends the connection each time" in (subscription.trouble or ""))
        await broker.publish(queue, message(b"behind it"))
        session = await broker.session()
        for number in range(5):
            await broker.publish(other, message(b"%d" % number))
            delivery = await take(others)
            assert b"%d" % number == delivery.message.body
            await delivery.settle(Accepted())
            await asyncio.sleep(0.2)  # so that the odd one is handed out again meanwhile

        assert session is await broker.session()
        assert not session.is_lost
        assert f"'rabbitmqadmin get queue={queue} ackmode=reject_requeue_false'" in (subscription.trouble or "")

        async def removed() -> bool:
            """Do what the sentence says."""
            wish = {"count": 1, "ackmode": "reject_requeue_false", "encoding": "auto"}
            return [one["payload"] for one in await management.call("POST", f"queues/%2F/{queue}/get", wish)] == ["odd"]

        await until(removed)
        delivery = await take(deliveries)
        await delivery.settle(Accepted())
        assert b"behind it" == delivery.message.body
        await until(lambda: subscription.trouble is None)
        await until(lambda: f"the queue {queue} can be read again" in caplog.text)
        await broker.publish(queue, message(b"after"))

        assert b"after" == (await take(deliveries)).message.body
    said = [record.message for record in caplog.records if "remove it on RabbitMQ's management page" in record.message]
    assert 1 == len(said)
