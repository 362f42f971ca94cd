"""What every broker must keep: the port's promises in running form."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from dispatcher.brokers.base import Broker, Delivery
from dispatcher.brokers.topology import dead_queue
from dispatcher.words.errors import DeliveryLost, Failure, Kind, Reason
from dispatcher.words.messages import Message, Properties
from dispatcher.words.outcomes import Accepted, Deferred, Rejected, Released, Split
from dispatcher.words.retries import Ladder

SHORT, LONG = timedelta(milliseconds=200), timedelta(milliseconds=800)
LADDER = Ladder([SHORT, LONG])
WITHIN = 15.0
FAILURE = Failure(Kind.TRANSIENT, Reason.SMTP_TEMPORARY, "451 later")


def message(body: bytes = b"{}", **headers: object) -> Message:
    return Message(body=body, id=uuid4().hex, headers=headers)


@asynccontextmanager
async def taking(broker: Broker, queue: str, prefetch: int = 10) -> AsyncIterator[AsyncIterator[Delivery]]:
    """Subscribe; give the deliveries."""
    subscription = await broker.subscribe(queue, prefetch=prefetch)
    deliveries = aiter(subscription)
    try:
        yield deliveries
    finally:
        await subscription.stop()
        await deliveries.aclose()


async def take(deliveries: AsyncIterator[Delivery]) -> Delivery:
    async with asyncio.timeout(WITHIN):
        return await anext(deliveries)


class BrokerContract:
    """Inherit and give the fixture `broker`: one that is started, with `LADDER`."""

    async def test_a_published_message_is_delivered_as_it_was(self, broker: Broker, queue: str):
        sent = Message(
            body='{"ä": "\x00"}'.encode(),
            id="id-1",
            headers={"x-shop": "Graz", "dispatcher-attempt": 2},
            properties=Properties(content_type="application/json", correlation_id="c", app_id="shop", type="t"),
        )
        await broker.declare(queue)
        await broker.publish(queue, sent)
        async with taking(broker, queue) as deliveries:
            delivery = await take(deliveries)
            await delivery.settle(Accepted())

        got = delivery.message
        assert (sent.body, "id-1", 3, False) == (got.body, got.id, got.attempt, delivery.message.redelivered)
        assert "Graz" == got.headers["x-shop"]
        assert sent.properties == got.properties

    async def test_messages_come_in_the_order_they_were_published(self, broker: Broker, queue: str):
        async with taking(broker, queue) as deliveries:
            for number in range(20):
                await broker.publish(queue, message(b"%d" % number))
            bodies = []
            for _ in range(20):
                delivery = await take(deliveries)
                bodies.append(int(delivery.message.body))
                await delivery.settle(Accepted())

        assert list(range(20)) == bodies

    async def test_no_more_than_prefetch_are_in_hand(self, broker: Broker, queue: str):
        async with taking(broker, queue, prefetch=2) as deliveries:
            for _ in range(3):
                await broker.publish(queue, message())
            first = await take(deliveries)
            await take(deliveries)
            third = asyncio.ensure_future(anext(deliveries))
            done, _ = await asyncio.wait({third}, timeout=0.3)

            assert not done

            await first.settle(Accepted())
            async with asyncio.timeout(WITHIN):
                await third

    async def test_an_accepted_message_does_not_come_again(self, broker: Broker, queue: str):
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"1"))
            await (await take(deliveries)).settle(Accepted())
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"2"))

            assert b"2" == (await take(deliveries)).message.body

    async def test_a_released_message_comes_again_and_says_so(self, broker: Broker, queue: str):
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"1"))
            first = await take(deliveries)
            await first.settle(Released())
            again = await take(deliveries)

        assert (b"1", True, 1) == (again.message.body, again.message.redelivered, again.message.attempt)
        assert first.message.body == again.message.body

    async def test_a_deferred_message_comes_back_changed_after_its_rung(self, broker: Broker, queue: str):
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"1"))
            first = await take(deliveries)
            copy = first.message.with_headers({"dispatcher-attempt": 1})
            start = asyncio.get_running_loop().time()
            await first.settle(Deferred(copy, LONG, FAILURE))
            again = await take(deliveries)
            waited = asyncio.get_running_loop().time() - start

        assert LONG.total_seconds() * 0.9 < waited
        assert (b"1", first.message.id, 2) == (again.message.body, again.message.id, again.message.attempt)

    async def test_a_short_rung_does_not_wait_behind_a_long_one(self, broker: Broker, queue: str):
        async with taking(broker, queue) as deliveries:
            for body in (b"long", b"short"):
                await broker.publish(queue, message(body))
            for rung in (LONG, SHORT):
                delivery = await take(deliveries)
                await delivery.settle(Deferred(delivery.message, rung, FAILURE))

            assert [b"short", b"long"] == [(await take(deliveries)).message.body for _ in range(2)]

    async def test_a_rejected_message_is_kept_among_the_dead_letters(self, broker: Broker, queue: str):
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"1"))
            delivery = await take(deliveries)
            await delivery.settle(Rejected(delivery.message.with_headers({"dispatcher-reason": "expired"}), FAILURE))
        async with taking(broker, dead_queue(queue)) as dead:
            kept = await take(dead)

        assert (b"1", delivery.message.id, "expired") == (
            kept.message.body,
            kept.message.id,
            kept.message.headers["dispatcher-reason"],
        )

    async def test_the_parts_of_a_message_take_its_place(self, broker: Broker, queue: str):
        async with taking(broker, queue, prefetch=1) as deliveries:
            await broker.publish(queue, message(b"many"))
            whole = await take(deliveries)
            parts = tuple(
                replace(whole.message.with_headers({}), id=f"part-{one}", body=b"%d" % one) for one in range(250)
            )
            await whole.settle(Split(parts))
            bodies = []
            for _ in parts:
                part = await take(deliveries)
                bodies.append(int(part.message.body))
                await part.settle(Accepted())

        assert list(range(250)) == sorted(bodies)

    async def test_a_paused_subscription_takes_nothing_until_it_goes_on(self, broker: Broker, queue: str):
        subscription = await broker.subscribe(queue, prefetch=10)
        deliveries = aiter(subscription)
        await broker.publish(queue, message(b"in hand"))
        in_hand = await take(deliveries)
        await subscription.pause()
        for number in range(3):
            await broker.publish(queue, message(b"%d" % number))
        next_one = asyncio.ensure_future(anext(deliveries))
        done, _ = await asyncio.wait({next_one}, timeout=0.3)

        assert not done

        await in_hand.settle(Accepted())
        await subscription.resume(1)
        async with asyncio.timeout(WITHIN):
            first = await next_one
        second = asyncio.ensure_future(anext(deliveries))
        done, _ = await asyncio.wait({second}, timeout=0.3)

        assert not done
        assert b"0" == first.message.body

        await subscription.resume()
        async with asyncio.timeout(WITHIN):
            assert b"1" == (await second).message.body
            assert b"2" == (await anext(deliveries)).message.body
        await subscription.stop()
        await deliveries.aclose()

    async def test_one_delivery_can_leave_several_copies_of_the_same_id(self, broker: Broker, queue: str):
        async with taking(broker, queue) as deliveries, taking(broker, dead_queue(queue)) as dead:
            await broker.publish(queue, message(b"1"))
            delivery = await take(deliveries)
            refused = [delivery.message.with_headers({"dispatcher-recipient": name}) for name in ("a", "b")]
            later = delivery.message.with_headers({"dispatcher-attempt": 1})
            await delivery.settle(
                Deferred(later, SHORT, FAILURE), Rejected(refused[0], FAILURE), Rejected(refused[1], FAILURE)
            )
            kept = [await take(dead), await take(dead)]
            again = await take(deliveries)

        assert ["a", "b"] == [one.message.headers["dispatcher-recipient"] for one in kept]
        assert {delivery.message.id} == {one.message.id for one in [*kept, again]}

    async def test_stopping_gives_back_what_nobody_took_and_leaves_what_is_in_hand(self, broker: Broker, queue: str):
        async with taking(broker, queue) as deliveries:
            for number in range(3):
                await broker.publish(queue, message(b"%d" % number))
            in_hand = await take(deliveries)
        await in_hand.settle(Accepted())
        async with taking(broker, queue) as deliveries:
            bodies = []
            for _ in range(2):
                delivery = await take(deliveries)
                bodies.append(delivery.message.body)
                await delivery.settle(Accepted())

        assert [b"1", b"2"] == bodies

    async def test_iteration_ends_after_stop(self, broker: Broker, queue: str):
        subscription = await broker.subscribe(queue, prefetch=1)
        waiting = asyncio.ensure_future(anext(aiter(subscription)))
        await subscription.stop()
        with pytest.raises(StopAsyncIteration):
            async with asyncio.timeout(WITHIN):
                await waiting

    async def test_a_closed_broker_makes_its_deliveries_stale(self, broker: Broker, queue: str):
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message())
            delivery = await take(deliveries)
        await broker.close()

        assert delivery.stale
        with pytest.raises(DeliveryLost):
            await delivery.settle(Accepted())
