"""What a stranger may publish, and what a broker under pressure does."""

import asyncio
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import aio_pika
import pytest

from dispatcher.brokers.rabbitmq import RabbitBroker
from dispatcher.brokers.rabbitmq.envelope import read
from dispatcher.brokers.rabbitmq.intake import Incoming
from dispatcher.brokers.topology import dead_queue
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Accepted, Deferred, Rejected
from helpers.node import Node
from tests import raw_amqp
from tests.brokers.contract import FAILURE, SHORT, message, take, taking
from tests.brokers.rabbit import operator
from tests.management import Management


class TestOddMessages:
    """What a stranger may publish."""

    async def delivered(self, node: Node, broker: RabbitBroker, queue: str, odd: aio_pika.Message):
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            await channel.default_exchange.publish(odd, routing_key=queue)
            delivery = await take(deliveries)
            await delivery.settle(Deferred(delivery.message, SHORT, FAILURE))
            again = await take(deliveries)
            await again.settle(Accepted())
        return delivery.message, again.message

    async def test_a_message_without_id_gets_one_that_stays(self, node: Node, broker: RabbitBroker, queue: str):
        first, again = await self.delivered(node, broker, queue, aio_pika.Message(b"1"))

        assert 32 == len(first.id)
        assert first.id == again.id

    async def test_what_would_harm_a_copy_is_left_behind(self, node: Node, broker: RabbitBroker, queue: str):
        odd = aio_pika.Message(
            b"1",
            headers={
                "CC": [f"{queue}.other"],
                "x-death": [{"queue": queue, "reason": "expired", "count": 1}],
                "x-delivery-count": 7,
                "bytes": bytearray(b"\xff"),
                "nested": {"list": [1, "two", None, Decimal("1.5")], "at": datetime(2026, 1, 1, tzinfo=UTC)},
                "plain": "kept",
                "dispatcher-id": "x" * 300,
            },
            user_id="guest",
            expiration=60,
            priority=3,
            message_id="odd",
        )
        _, again = await self.delivered(node, broker, queue, odd)

        assert ("odd", "kept", 3) == (again.id, again.headers["plain"], again.properties.priority)
        assert {"CC", "BCC", "x-delivery-count"}.isdisjoint(again.headers)
        assert [1, "two", None, Decimal("1.5")] == again.headers["nested"]["list"]

    async def test_no_bookkeeping_of_a_broker_is_on_a_copy(self, node: Node, broker: RabbitBroker, queue: str):
        """However it came there: RabbitMQ 3 believes it and drops messages; CC and BCC would publish more of them."""
        theirs = {
            "x-death": [{"queue": queue, "reason": "expired", "count": 1}],
            "x-first-death-queue": queue,
            "x-last-death-reason": "expired",
            "x-delivery-count": 7,
            "x-acquired-count": 7,
            "x-delay": 60_000,
            "x-opt-deaths": 1,
            "CC": [f"{queue}.other"],
            "BCC": [f"{queue}.another"],
        }
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            odd = aio_pika.Message(b"1", headers={**theirs, "X-Shop": "Graz"})
            await channel.default_exchange.publish(odd, routing_key=queue)
            delivery = await take(deliveries)
            await delivery.settle(Rejected(delivery.message, FAILURE))
            letter = await (await channel.get_queue(dead_queue(queue), ensure=False)).get(no_ack=True)

        assert 0 == letter.headers.pop("x-delivery-count", 0)  # RabbitMQ 3 counts from nought, RabbitMQ 4 from one
        assert {"X-Shop", "dispatcher-id"} == letter.headers.keys()

    async def test_headers_too_large_to_publish_again_are_left_behind(self, node: Node, broker, queue: str):
        odd = aio_pika.Message(b"1", headers={"huge": "x" * 60_000, "small": "y", "a" * 200: "z" * 31_000})
        _, again = await self.delivered(node, broker, queue, odd)

        assert "huge" not in again.headers
        assert "y" == again.headers["small"]

    @pytest.mark.parametrize(
        ("flags", "properties"),
        [
            (raw_amqp.MESSAGE_ID, raw_amqp.short(b"\xff\xfe")),
            (raw_amqp.TIMESTAMP, struct.pack(">Q", (1 << 63) - 1)),
            (raw_amqp.HEADERS, raw_amqp.table(b"\xff", b"t\x01")),
            (raw_amqp.HEADERS, raw_amqp.table(b"at", b"T" + struct.pack(">Q", (1 << 63) - 1))),
            (raw_amqp.HEADERS, raw_amqp.table(b"deep", raw_amqp.nested(2_000))),
            (raw_amqp.HEADERS, raw_amqp.table(b"deep", raw_amqp.nested(200))),
        ],
        ids=["message_id", "timestamp", "header name", "header time", "too deep", "deep"],
    )
    async def test_what_cannot_be_decoded_does_not_cost_the_connection(
        self, node: Node, broker: RabbitBroker, queue: str, flags: int, properties: bytes, caplog
    ):
        async with taking(broker, queue) as deliveries:
            await asyncio.to_thread(raw_amqp.publish, node.amqp_port, "/", queue, b"odd", flags, properties)
            delivery = await take(deliveries)
            await delivery.settle(Deferred(delivery.message, SHORT, FAILURE))
            again = await take(deliveries)
            await again.settle(Accepted())

        assert b"odd" == again.message.body
        assert delivery.message.id == again.message.id
        assert "was lost" not in caplog.text

    async def test_a_routing_key_that_cannot_be_decoded_does_not_cost_the_connection(
        self, node: Node, broker: RabbitBroker, queue: str, caplog
    ):
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            exchange = await channel.declare_exchange(f"{queue}-all", "fanout", auto_delete=True)
            await (await channel.get_queue(queue)).bind(exchange)
            await asyncio.to_thread(
                raw_amqp.publish, node.amqp_port, "/", b"\xff\xfe", b"odd", 0, b"", exchange=exchange.name
            )
            delivery = await take(deliveries)
            await delivery.settle(Deferred(delivery.message, SHORT, FAILURE))
            again = await take(deliveries)
            await again.settle(Accepted())

        assert (b"odd", delivery.message.id) == (again.message.body, again.message.id)
        assert "was lost" not in caplog.text

    async def test_a_strangers_header_takes_no_room_of_ours(self, node: Node, broker: RabbitBroker, queue: str):
        odd = aio_pika.Message(b"1", headers={"dispatcher-aa": "x" * 31_980, "dispatcher-attempt": 2})
        first, again = await self.delivered(node, broker, queue, odd)

        assert (3, 3) == (first.attempt, again.attempt)

    async def test_a_bug_while_taking_in_leaves_the_message_among_the_dead_letters(
        self, node: Node, broker: RabbitBroker, queue: str, monkeypatch: pytest.MonkeyPatch, caplog
    ):
        def odd(incoming: Incoming, *asked: Callable[[], bool]) -> Message:
            if incoming.body == b"odd":
                raise ZeroDivisionError
            return read(incoming, *asked)

        monkeypatch.setattr("dispatcher.brokers.rabbitmq.delivery.read", odd)
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            for body in (b"odd", b"good"):
                await channel.default_exchange.publish(aio_pika.Message(body), routing_key=queue)

            assert b"good" == (await take(deliveries)).message.body
        monkeypatch.undo()
        async with taking(broker, dead_queue(queue)) as dead:
            kept = (await take(dead)).message

        assert (b"odd", "internal-error", "a bug while it was taken in: ZeroDivisionError") == (
            kept.body,
            kept.headers["dispatcher-reason"],
            kept.headers["dispatcher-error"],
        )
        assert f"a bug while a message of {queue} was taken in; it becomes a dead letter" in caplog.text

    async def test_a_bug_while_settling_leaves_the_message_among_the_dead_letters(
        self, node: Node, broker: RabbitBroker, queue: str, management: Management, caplog
    ):
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"odd"))
            delivery = await take(deliveries)
            no_copy = delivery.message.with_headers({"dispatcher-attempt": object()})
            await delivery.settle(Deferred(no_copy, SHORT, FAILURE))
            async with taking(broker, dead_queue(queue)) as dead:
                kept = (await take(dead)).message

        assert (b"odd", delivery.message.id) == (kept.body, kept.id)
        assert kept.headers["dispatcher-error"].startswith("a bug while it was settled: ")
        assert f"a bug while message {kept.id} was settled" in caplog.text

    async def test_messages_of_one_id_can_be_settled_side_by_side(self, broker: RabbitBroker, queue: str):
        async with taking(broker, queue, prefetch=20) as deliveries:
            for number in range(20):
                await broker.publish(queue, Message(body=b"%d" % number, id="the same"))
            in_hand = [await take(deliveries) for _ in range(20)]
            await asyncio.gather(*(one.settle(Deferred(one.message, SHORT, FAILURE)) for one in in_hand))
            bodies = {(await take(deliveries)).message.body for _ in range(20)}

        assert {b"%d" % number for number in range(20)} == bodies
