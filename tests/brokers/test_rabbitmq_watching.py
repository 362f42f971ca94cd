"""A consumer that is dead without a word is found, and told of truly."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import aio_pika
import pytest

from dispatcher.brokers.rabbitmq import RabbitBroker, subscription, watch
from dispatcher.brokers.rabbitmq.session import Session
from dispatcher.brokers.rabbitmq.spell import Incoming, Spell
from dispatcher.words.outcomes import Accepted
from helpers.node import Node
from tests.brokers.contract import message, take, taking
from tests.brokers.rabbit import amqp_channels, connected, consumers, operator, settings, through
from tests.management import rabbitmqctl
from tests.proxy import Proxy
from tests.waiting import until

OFTEN = timedelta(milliseconds=200)


@pytest.fixture
async def broker(node: Node) -> AsyncIterator[RabbitBroker]:
    async with connected(settings(node, watch=OFTEN)) as broker:
        yield broker


def said(caplog: pytest.LogCaptureFixture, text: str) -> int:
    return sum(text in record.getMessage() for record in caplog.records)


class TestADeadConsumer:
    """What the broker thinks differs from what we think."""

    @pytest.fixture(autouse=True)
    def nobody_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The broker's word that it ended a consumer gets lost."""

        def deaf(callbacks: object, callback: object) -> None:
            """Take no callback."""

        begin = Spell.begin

        async def begin_deaf(spell: Spell, take: object) -> None:
            await begin(spell, take)
            (await spell._channel.get_underlay_channel()).on_consumer_cancel_callbacks.clear()

        monkeypatch.setattr(Spell, "begin", begin_deaf)

    async def test_a_queue_that_is_missing_is_made_again(self, node: Node, broker, queue: str, caplog):
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            await channel.queue_delete(queue)
            await until(lambda: consumers(node, queue))
            await broker.publish(queue, message(b"after"))

            assert b"after" == (await take(deliveries)).message.body
        assert 1 == said(caplog, f"the queue {queue} is missing; asking again")

    async def test_a_queue_that_was_made_again_otherwise_is_taken_from(self, node: Node, broker, queue: str, caplog):
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            await channel.queue_delete(queue)
            await channel.declare_queue(queue, durable=True, arguments={"x-max-length": 1000})
            await channel.default_exchange.publish(aio_pika.Message(b"after"), routing_key=queue)

            assert b"after" == (await take(deliveries)).message.body
        assert 1 == said(caplog, f"RabbitMQ knows of nobody who takes from the queue {queue}; asking again")

    async def test_what_is_in_hand_meanwhile_can_be_settled(self, node: Node, broker, queue: str):
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            await broker.publish(queue, message(b"in hand"))
            delivery = await take(deliveries)
            await channel.queue_delete(queue)
            await until(lambda: consumers(node, queue))

            assert not delivery.stale
            await delivery.settle(Accepted())


async def keep(_: aio_pika.abc.AbstractIncomingMessage) -> None:
    """Take a message and never settle it."""


class TestNothingIsHandedOut:
    """The broker knows our consumer, and hands everything to another one."""

    async def test_it_is_asked_for_again_and_said_once(self, node: Node, broker: RabbitBroker, queue: str, caplog):
        caplog.set_level(logging.INFO)
        async with operator(node) as channel:
            await channel.set_qos(prefetch_count=1)
            alone = {"x-single-active-consumer": True}
            first_come = await channel.declare_queue(queue, durable=True, arguments=alone)
            tag = await first_come.consume(keep)
            async with taking(broker, queue) as deliveries:
                for number in range(3):
                    await broker.publish(queue, message(b"%d" % number))
                hands_out = f"RabbitMQ hands out nothing of the queue {queue}, although messages wait in it"
                await until(lambda: hands_out in caplog.text)
                await until(lambda: said(caplog, f"taking deliveries from the queue {queue}") >= 3)

                assert 1 == said(caplog, hands_out)

                await first_come.cancel(tag)
                assert b"1" == (await take(deliveries)).message.body

    async def test_who_has_all_hands_full_is_left_alone(
        self, broker: RabbitBroker, queue: str, monkeypatch: pytest.MonkeyPatch, caplog
    ):
        look, looks = watch.look, list[tuple[int, int]]()

        async def counted(session: Session, queue: str) -> tuple[int, int]:
            looks.append(await look(session, queue))
            return looks[-1]

        monkeypatch.setattr(watch, "look", counted)
        async with taking(broker, queue, prefetch=1) as deliveries:
            for _ in range(3):
                await broker.publish(queue, message())
            in_hand = await take(deliveries)
            before = len(looks)
            await until(lambda: len(looks) > before + watch.LOOKS + 1)  # the last of them is done with

            assert "asking again" not in caplog.text
            await in_hand.settle(Accepted())
            await take(deliveries)


class TestABrokerThatDoesNotAnswer:
    """Half-open: nobody says that the line is dead."""

    async def test_the_session_is_given_up_and_its_deliveries_are_stale(
        self, node: Node, proxy: Proxy, queue: str, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(watch, "ANSWER_TIMEOUT", 0.5)
        async with connected(settings(node, through(proxy), watch=OFTEN)) as broker:
            subscription = await broker.subscribe(queue, prefetch=1)
            deliveries = aiter(subscription)
            await broker.publish(queue, message(b"1"))
            delivery = await take(deliveries)
            proxy.vanish()
            await until(lambda: delivery.stale)

            assert delivery.message.is_stale()
            assert "RabbitMQ does not answer within 0.5 s" in (subscription.trouble or "")

            await until(lambda: subscription.trouble is None)
            await broker.publish(queue, message(b"2"))  # the broker still holds the first one for the dead line

            assert b"2" == (await take(deliveries)).message.body

    async def test_the_heartbeat_finds_it_too(self, node: Node, proxy: Proxy, queue: str):
        wanted = settings(node, through(proxy), heartbeat=timedelta(seconds=1), watch=timedelta(minutes=5))
        async with connected(wanted) as broker, taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"1"))
            delivery = await take(deliveries)
            proxy.vanish()
            await until(lambda: delivery.stale)
            again = await take(deliveries)
            await again.settle(Accepted())

        assert (b"1", True) == (again.message.body, again.message.redelivered)


class TestAQueueThatHangs:
    """The broker answers, but the queue's own process does not."""

    async def test_a_look_at_it_leaves_no_amqp_channel(
        self, node: Node, broker: RabbitBroker, queue: str, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(watch, "ANSWER_TIMEOUT", 0.5)
        await broker.declare(queue)
        session = await broker.session()
        before = amqp_channels(session.consuming)
        async with hanging(node, queue):
            for _ in range(2):
                with pytest.raises(watch.Wrong, match=f"the queue {queue} does not answer within"):
                    await watch.look(session, queue)
        await until(lambda: amqp_channels(session.consuming) == before)

        assert (0, 0) == await watch.look(session, queue)


@asynccontextmanager
async def hanging(node: Node, queue: str) -> AsyncIterator[None]:
    """Let a queue's own process stand still."""
    name = f'rabbit_misc:r(<<"/">>, queue, <<"{queue}">>)'
    found = f"{{ok, Q}} = rabbit_amqqueue:lookup({name}), Pid = amqqueue:get_pid(Q)"
    await rabbitmqctl(node, "-q", "eval", f"{found}, sys:suspend(Pid).")
    try:
        yield
    finally:
        await rabbitmqctl(node, "-q", "eval", f"{found}, sys:resume(Pid).")


class TestACancellationThatIsNotOurs:
    """A library ends its own waiters with one, and may let it out."""

    async def cancelled(self, *_: object) -> str:
        """Be cancelled by nobody."""
        nobody: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        nobody.cancel()
        return await nobody

    async def test_one_out_of_a_look_is_said_and_taking_goes_on(
        self, broker: RabbitBroker, queue: str, monkeypatch: pytest.MonkeyPatch, caplog
    ):
        monkeypatch.setattr(subscription, "until_wrong", self.cancelled)
        async with taking(broker, queue) as deliveries:
            await until(lambda: said(caplog, f"a bug while taking deliveries from {queue}") >= 2)
            monkeypatch.undo()
            await broker.publish(queue, message(b"after"))
            delivery = await take(deliveries)
            await delivery.settle(Accepted())

        assert b"after" == delivery.message.body

    async def test_one_at_the_beginning_is_said_and_tried_again(
        self, broker: RabbitBroker, queue: str, monkeypatch: pytest.MonkeyPatch, caplog
    ):
        begin, cancellations = Spell.begin, [self.cancelled]

        async def begin_at_last(spell: Spell, take: Callable[[Incoming], None]) -> None:
            if cancellations:
                await cancellations.pop()()
            await begin(spell, take)

        monkeypatch.setattr(Spell, "begin", begin_at_last)
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"after"))

            assert b"after" == (await take(deliveries)).message.body
        assert 1 == said(caplog, f"a bug while taking deliveries from {queue}")
