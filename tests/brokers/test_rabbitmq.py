"""RabbitMQ keeps what every broker promises, and what only a real one can break."""

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import aio_pika
import pytest
from pydantic import SecretStr, ValidationError

from dispatcher.brokers.rabbitmq import RabbitBroker, RabbitSettings
from dispatcher.brokers.topology import dead_queue, retry_queue
from dispatcher.words.errors import BrokerError, BrokerRefused, DeliveryLost
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Accepted, Deferred, Rejected, Released
from helpers.node import Node
from tests import raw_amqp
from tests.brokers.contract import FAILURE, LADDER, LONG, SHORT, WITHIN, BrokerContract, message, take, taking
from tests.conftest import Certificates
from tests.management import Management, memory_alarm
from tests.proxy import Proxy
from tests.waiting import until


def settings(node: Node, url: str | None = None, **changes: object) -> RabbitSettings:
    return RabbitSettings(url=SecretStr(url or node.url), **changes)


@asynccontextmanager
async def connected(wanted: RabbitSettings) -> AsyncIterator[RabbitBroker]:
    broker = RabbitBroker(wanted, LADDER)
    try:
        async with asyncio.timeout(WITHIN):
            await broker.start()
        yield broker
    finally:
        await broker.close()


@asynccontextmanager
async def operator(node: Node, virtual_host: str = "") -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """Give an AMQP channel to do what publishers and operators do."""
    async with await aio_pika.connect(node.url + virtual_host) as connection:
        yield await connection.channel()


@pytest.fixture
async def broker(node: Node) -> AsyncIterator[RabbitBroker]:
    async with connected(settings(node)) as broker:
        yield broker


@pytest.fixture
async def proxy(node: Node) -> AsyncIterator[Proxy]:
    async with Proxy(node.amqp_port) as proxy:
        yield proxy


def through(proxy: Proxy) -> str:
    return f"amqp://guest:guest@127.0.0.1:{proxy.port}/"


class TestRabbitBroker(BrokerContract):
    """The contract."""


class TestComingUp:
    """Connecting."""

    async def test_a_broker_that_is_not_up_yet_is_waited_for(self, node: Node, proxy: Proxy, caplog):
        await proxy.away()
        broker = RabbitBroker(settings(node, through(proxy)), LADDER)
        start = asyncio.ensure_future(broker.start())
        await until(
            lambda: (
                "(Connection refused); start it, or check brokers.rabbitmq.url; trying on until it can" in caplog.text
            )
        )

        assert not start.done()

        await proxy.open()
        async with asyncio.timeout(WITHIN):
            await start
        await broker.close()

    async def test_who_waits_for_a_broker_can_be_stopped(self, node: Node, proxy: Proxy):
        await proxy.away()
        broker = RabbitBroker(settings(node, through(proxy)), LADDER)
        start = asyncio.ensure_future(broker.start())
        await asyncio.sleep(0)
        start.cancel()
        async with asyncio.timeout(2):
            await broker.close()

        assert start.cancelled() or start.cancelling()

    async def test_who_is_not_patient_is_told_that_it_is_away(self, node: Node, proxy: Proxy):
        await proxy.away()
        broker = RabbitBroker(settings(node, through(proxy)), LADDER)
        with pytest.raises(BrokerError, match=r"RabbitMQ at amqp://127.0.0.1:\d+/ cannot be reached"):
            await broker.start(patient=False)
        await broker.close()

    async def refusal(self, wanted: RabbitSettings) -> str:
        with pytest.raises(BrokerRefused) as refused:
            async with connected(wanted):
                pass
        return str(refused.value)

    async def test_a_refused_login_is_said_at_once_without_the_password(self, node: Node):
        said = await self.refusal(settings(node, node.url.replace("guest:guest", "ada:hunter2")))

        assert said.endswith("refuses the login of user 'ada'; check brokers.rabbitmq.url")
        assert "hunter2" not in said

    async def test_the_password_of_a_file_wins_over_the_one_in_the_url(self, node: Node):
        wanted = settings(node, node.url.replace("guest:guest", "guest:old"), password=SecretStr("guest"))
        async with connected(wanted):
            pass

    async def test_a_missing_virtual_host_is_said_at_once(self, node: Node):
        said = await self.refusal(settings(node, node.url + "nowhere"))

        assert "the virtual host 'nowhere' is missing, or user 'guest' may not use it" in said

    async def test_what_does_not_speak_amqp_is_said(self, node: Node):
        async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(len(b"AMQP\0\0\x09\x01"))
            writer.write(b"220 mail.example ESMTP\r\n")
            writer.close()

        async with await asyncio.start_server(hello, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            broker = RabbitBroker(settings(node, f"amqp://guest:guest@127.0.0.1:{port}/"), LADDER)
            with pytest.raises(BrokerError, match="does not speak AMQP"):
                await broker.start(patient=False)
            await broker.close()

    async def test_what_accepts_and_stays_silent_is_given_up(self, node: Node):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"amqp://guest:guest@127.0.0.1:{silent.getsockname()[1]}/"
            wanted = settings(node, url, connect_timeout=timedelta(milliseconds=200))
            broker = RabbitBroker(wanted, LADDER)
            with pytest.raises(BrokerError, match=r"does not answer within 0\.2 s"):
                await broker.start(patient=False)
            await broker.close()

    async def test_a_second_connection_that_is_refused_closes_the_first(
        self, node: Node, management: Management, virtual_host: str
    ):
        limit = f"vhost-limits/{virtual_host}/max-connections"
        await management.call("PUT", limit, {"value": 1})
        said = await self.refusal(settings(node, node.url + virtual_host))

        assert "or has all the connections it may have" in said

        await management.call("DELETE", limit)
        async with connected(settings(node, node.url + virtual_host)):
            pass

    async def test_both_connections_are_named_on_the_management_page(self, node: Node, management: Management):
        async def named() -> bool:
            names = [
                one.get("client_properties", {}).get("connection_name", "") for one in await management.connections()
            ]
            ours = {name.split()[1] for name in names if name.startswith("dispatcher ")}
            return {"consume", "publish"} <= ours

        async with connected(settings(node)):
            await until(named)


class TestTls:
    """AMQPS."""

    def url(self, node: Node) -> str:
        return f"amqps://guest:guest@127.0.0.1:{node.tls_port}/"

    async def test_it_connects_with_the_authority_it_is_given(self, node: Node, certificates: Certificates, queue: str):
        wanted = settings(node, self.url(node), ca_file=certificates.ca)
        async with connected(wanted) as broker, taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"over tls"))

            assert b"over tls" == (await take(deliveries)).message.body

    async def test_it_shows_a_certificate_of_its_own(self, node: Node, certificates: Certificates):
        files = {"ca_file": certificates.ca, "cert_file": certificates.cert, "key_file": certificates.key}
        async with connected(settings(node, self.url(node), **files)):
            pass

    async def test_a_certificate_is_not_verified_where_that_is_said(self, node: Node):
        async with connected(settings(node, self.url(node), verify_certificate=False)):
            pass

    async def test_a_certificate_of_nobody_we_trust_is_refused(self, node: Node):
        with pytest.raises(
            BrokerRefused,
            match=r"TLS failed \(CERTIFICATE_VERIFY_FAILED\); check ca_file and cert_file of brokers\.rabbitmq",
        ):
            async with connected(settings(node, self.url(node))):
                pass

    async def test_a_file_that_cannot_be_used_is_a_refusal(self, node: Node, certificates: Certificates):
        with pytest.raises(BrokerRefused, match=r"^brokers\.rabbitmq: ca_file .*key\.pem cannot be used"):
            async with connected(settings(node, self.url(node), ca_file=certificates.key)):
                pass


class TestSettings:
    """The section."""

    def test_certificates_without_tls_are_refused(self, certificates: Certificates):
        with pytest.raises(ValidationError, match="have no use with amqp://; write the url with amqps://"):
            RabbitSettings(ca_file=certificates.ca)

    def test_a_file_that_is_missing_is_said(self):
        with pytest.raises(ValidationError, match=r"there is no file nowhere\.pem"):
            RabbitSettings(url=SecretStr("amqps://mq.example/"), ca_file=Path("nowhere.pem"))

    @pytest.mark.parametrize("name", ["heartbeat", "connect_timeout", "confirm_timeout"])
    def test_a_wait_of_nothing_is_refused(self, name: str):
        with pytest.raises(ValidationError, match="must be longer than nothing"):
            RabbitSettings(**{name: "0s"})

    @pytest.mark.parametrize("url", ["localhost", "http://x/", "amqp://", "amqp://host:port/", ""])
    def test_what_is_no_amqp_address_is_refused_without_being_shown(self, url: str):
        with pytest.raises(ValidationError, match="is no AMQP address") as refused:
            RabbitSettings(url=SecretStr(url))

        assert "input_value" not in str(refused.value)

    def test_the_address_is_shown_without_its_login(self):
        assert (
            "amqps://mq.example:5671/shop"
            == RabbitSettings(url=SecretStr("amqps://ada:hunter2@mq.example/shop")).address
        )

    def test_the_virtual_host_may_be_quoted(self):
        assert "/shop" == RabbitSettings(url=SecretStr("amqp://mq.example/%2Fshop")).virtual_host


class TestLosingTheConnection:
    """Cut, and coming back."""

    async def test_what_was_in_hand_is_stale_and_comes_again(self, node: Node, proxy: Proxy, queue: str):
        async with connected(settings(node, through(proxy))) as broker, taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"1"))
            delivery = await take(deliveries)
            proxy.cut()
            await until(lambda: delivery.stale)
            with pytest.raises(DeliveryLost):
                await delivery.settle(Accepted())
            again = await take(deliveries)
            await again.settle(Accepted())

        assert (b"1", True) == (again.message.body, again.redelivered)

    async def test_what_nobody_took_out_is_not_handed_out_twice(self, node: Node, proxy: Proxy, queue: str):
        async with connected(settings(node, through(proxy))) as broker, taking(broker, queue) as deliveries:
            for number in range(5):
                await broker.publish(queue, message(b"%d" % number))
            first = await take(deliveries)
            proxy.cut()
            await until(lambda: first.stale)
            bodies = []
            for _ in range(5):
                delivery = await take(deliveries)
                bodies.append(delivery.message.body)
                await delivery.settle(Accepted())

        assert sorted(bodies) == [b"%d" % number for number in range(5)]

    async def test_publishing_waits_for_the_connection_to_come_back(self, node: Node, proxy: Proxy, queue: str):
        async with connected(settings(node, through(proxy))) as broker:
            await broker.declare(queue)
            await proxy.away()
            publishing = asyncio.ensure_future(broker.publish(queue, message()))
            await proxy.open()
            # In the moment of the loss it may be told of it; it must not be lost without a word.
            try:
                async with asyncio.timeout(WITHIN):
                    await publishing
            except BrokerError:
                await broker.publish(queue, message())
            async with taking(broker, queue) as deliveries:
                await (await take(deliveries)).settle(Accepted())

    async def test_the_loss_in_the_middle_of_publishing_is_an_error_and_no_cancellation(
        self, node: Node, proxy: Proxy, queue: str
    ):
        async with connected(settings(node, through(proxy))) as broker:
            await broker.declare(queue)
            async with memory_alarm(node):  # it confirms nothing now
                publishing = asyncio.ensure_future(broker.publish(queue, message()))
                await asyncio.wait({publishing}, timeout=0.3)
                proxy.cut()
                with pytest.raises(BrokerError, match="the connection was lost while publishing"):
                    await publishing

    async def test_waiting_messages_survive_a_killed_and_a_stopped_node(self, tmp_path: Path):
        ladder_rung = timedelta(seconds=2)
        node = Node(tmp_path / "own", management=False)
        node.start()
        try:
            broker = RabbitBroker(settings(node), type(LADDER)([ladder_rung]))
            await broker.start()
            async with taking(broker, "email", prefetch=100) as deliveries:
                for number in range(50):
                    await broker.publish("email", message(b"%d" % number))
                for _ in range(50):
                    delivery = await take(deliveries)
                    await delivery.settle(Deferred(delivery.message, ladder_rung, FAILURE))
                await asyncio.to_thread(node.kill)
                await asyncio.to_thread(node.start)
                bodies = set()
                while len(bodies) < 50:
                    delivery = await take(deliveries)
                    bodies.add(delivery.message.body)
                    if not delivery.stale:
                        await delivery.settle(Deferred(delivery.message, ladder_rung, FAILURE))
                await asyncio.to_thread(node.stop)
                await asyncio.sleep(ladder_rung.total_seconds())  # longer than the delay, while it is down
                await asyncio.to_thread(node.start)
                again = set()
                while len(again) < 50:
                    delivery = await take(deliveries)
                    again.add(delivery.message.body)
                    await delivery.settle(Accepted())
            await broker.close()
        finally:
            node.remove()

        assert bodies == again == {b"%d" % number for number in range(50)}


class TestAtABadMoment:
    """Cut while queues are declared and consumers begin: the deliveries always come back."""

    @pytest.mark.parametrize("delay", [number * 8 for number in range(6)])
    async def test_cut_while_a_spell_begins(self, node: Node, proxy: Proxy, queue: str, delay: int):
        async with connected(settings(node, through(proxy))) as broker, taking(broker, queue) as deliveries:
            proxy.cut()
            await until(lambda: proxy.open_connections >= 4)
            await asyncio.sleep(delay / 1000)  # the moment is the point
            proxy.cut()
            async with operator(node) as channel:
                await channel.default_exchange.publish(aio_pika.Message(b"after"), routing_key=queue)

            assert b"after" == (await take(deliveries)).message.body

    @pytest.mark.parametrize("delay", [number * 6 for number in range(5)])
    async def test_stopped_while_a_spell_begins(self, node: Node, proxy: Proxy, queue: str, delay: int):
        async with connected(settings(node, through(proxy))) as broker:
            subscription = await broker.subscribe(queue, prefetch=1)
            proxy.cut()
            await until(lambda: proxy.open_connections >= 4)
            await asyncio.sleep(delay / 1000)  # the moment is the point
            async with asyncio.timeout(5):
                await subscription.stop()


class TestARefusalLater:
    """What is refused only after a reconnection does not end the daemon."""

    async def test_it_is_said_and_tried_on(self, node: Node, proxy: Proxy, queue: str, caplog):
        name = retry_queue(queue, SHORT)
        async with connected(settings(node, through(proxy))) as broker, taking(broker, queue) as deliveries:
            async with operator(node) as channel:
                await channel.queue_delete(name)
                await channel.declare_queue(name, durable=True)
            proxy.cut()
            await until(lambda: f"the queue {name} exists and differs" in caplog.text)
            async with operator(node) as channel:
                await channel.queue_delete(name)
            await broker.publish(queue, message(b"after"))

            assert b"after" == (await take(deliveries)).message.body


class TestQueues:
    """What exists, what is missing, what differs."""

    async def test_a_queue_that_is_deleted_is_made_again_and_taken_from(self, node: Node, broker: RabbitBroker, queue):
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            await channel.queue_delete(queue)
            await until(lambda: _consumers(node, queue))
            await broker.publish(queue, message(b"after"))

            assert b"after" == (await take(deliveries)).message.body

    async def test_an_amqp_channel_whose_queue_went_is_not_left_behind(
        self, node: Node, broker: RabbitBroker, queue: str
    ):
        async with taking(broker, queue), operator(node) as channel:
            for _ in range(3):
                await channel.queue_delete(queue)
                await until(lambda: _consumers(node, queue))
            session = await broker.session()
            await until(
                lambda: sum(one is not None for one in session.consuming.transport.connection.channels.values()) <= 2
            )

    async def test_what_is_in_hand_of_a_deleted_queue_can_still_be_settled(self, node: Node, broker, queue: str):
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            await broker.publish(queue, message(b"in hand"))
            delivery = await take(deliveries)
            await channel.queue_delete(queue)
            await until(lambda: _consumers(node, queue))
            await delivery.settle(Deferred(delivery.message, SHORT, FAILURE))

            assert b"in hand" == (await take(deliveries)).message.body

    @pytest.mark.parametrize("which", ["retry", "dead"])
    async def test_a_queue_for_copies_that_went_missing_is_made_again(
        self, node: Node, broker: RabbitBroker, queue: str, which: str
    ):
        name = retry_queue(queue, SHORT) if which == "retry" else dead_queue(queue)
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            await broker.publish(queue, message(b"1"))
            delivery = await take(deliveries)
            await channel.queue_delete(name)
            copy = delivery.message
            await delivery.settle(Deferred(copy, SHORT, FAILURE) if which == "retry" else Rejected(copy, FAILURE))
            kept = await channel.declare_queue(name, passive=True)

            assert 1 == kept.declaration_result.message_count or b"1" == (await take(deliveries)).message.body

    async def test_a_queue_that_differs_is_used_as_it_is_and_said_once(self, node: Node, broker, queue: str, caplog):
        async with operator(node) as channel:
            await channel.declare_queue(queue, durable=True, arguments={"x-max-length": 10})
        await broker.declare(queue)
        await broker.declare(queue)
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message(b"1"))
            await take(deliveries)

        said = [record.message for record in caplog.records if "exists and differs" in record.message]
        assert 1 == len(said)
        assert f"the queue {queue} exists and differs: inequivalent arg 'x-max-length'" in said[0]
        assert said[0].endswith("it is used as it is")

    async def test_a_queue_that_differs_is_an_error_where_that_is_wanted(self, node: Node, queue: str):
        async with operator(node) as channel:
            await channel.declare_queue(queue, durable=True, arguments={"x-max-length": 10})
        async with connected(settings(node, strict=True)) as broker:
            with pytest.raises(BrokerRefused, match=r"x-max-length.*remove it by hand and start again"):
                await broker.declare(queue)

    async def test_a_delay_queue_that_would_lose_messages_is_always_an_error(self, node: Node, broker, queue: str):
        async with operator(node) as channel:
            await channel.declare_queue(retry_queue(queue, LONG), durable=True)
        with pytest.raises(BrokerRefused, match=r"retry.800ms exists and differs from what keeps messages safe"):
            await broker.subscribe(queue, prefetch=1)

    async def test_a_quorum_queue_can_be_asked_for(self, node: Node, management: Management, queue: str):
        async with connected(settings(node, queue_type="quorum")) as broker:
            await broker.declare(queue)
            found = await management.call("GET", f"queues/%2F/{queue}")
            delay = await management.call("GET", f"queues/%2F/{retry_queue(queue, SHORT)}")

        assert {
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead_queue(queue),
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            "x-delivery-limit": 100,
        } == found["arguments"]
        assert {
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": queue,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            "x-message-ttl": 200,
        } == delay["arguments"]

    async def test_a_work_queue_carries_no_arguments_and_may_be_declared_by_anybody(self, node: Node, broker, queue):
        await broker.declare(queue)
        async with operator(node) as channel:
            declared = await channel.declare_queue(queue, durable=True)

        assert queue == declared.name

    async def test_publishers_may_use_the_exchange(self, node: Node, broker: RabbitBroker, queue: str):
        async with taking(broker, queue) as deliveries, operator(node) as channel:
            exchange = await channel.get_exchange("dispatcher")
            await exchange.publish(aio_pika.Message(b"through the exchange"), routing_key=queue)

            assert b"through the exchange" == (await take(deliveries)).message.body

    async def test_publishing_to_a_queue_that_is_missing_makes_it(self, broker: RabbitBroker, queue: str):
        await broker.publish(queue, message(b"1"))
        async with taking(broker, queue) as deliveries:
            assert b"1" == (await take(deliveries)).message.body


class TestRights:
    """A user who may not do everything is told what is missing."""

    async def as_user(self, node: Node, management: Management, host: str, **rights: str) -> RabbitSettings:
        user = f"user-{host}"
        await management.add_user(user, host, **{"configure": ".*", "write": ".*", "read": ".*", **rights})
        return settings(node, f"amqp://{user}:{user}@127.0.0.1:{node.amqp_port}/{host}")

    async def test_a_queue_it_may_not_declare_is_used_as_it_is(self, node: Node, management, virtual_host: str, caplog):
        async with operator(node, virtual_host) as channel:
            await channel.declare_queue("email", durable=True)
        wanted = await self.as_user(node, management, virtual_host, configure=r"email\..*")
        async with connected(wanted) as broker, taking(broker, "email") as deliveries:
            await broker.publish("email", message(b"1"))

            assert b"1" == (await take(deliveries)).message.body
        assert "the queue email may not be declared" in caplog.text
        assert "publishers cannot use the exchange dispatcher for email" in caplog.text

    async def test_a_missing_queue_it_may_not_make_is_said(self, node: Node, management, virtual_host: str):
        wanted = await self.as_user(node, management, virtual_host, configure=r"email\..*")
        async with connected(wanted) as broker:
            with pytest.raises(BrokerRefused, match="the queue email is missing and may not be made"):
                await broker.subscribe("email", prefetch=1)

    async def test_delay_queues_it_may_not_make_are_said(self, node: Node, management, virtual_host: str):
        wanted = await self.as_user(node, management, virtual_host, configure="^email$")
        async with connected(wanted) as broker:
            with pytest.raises(BrokerRefused, match=r"the queue email.retry.200ms may not be made.*give the user"):
                await broker.subscribe("email", prefetch=1)

    async def test_a_queue_it_may_not_read_is_said(self, node: Node, management, virtual_host: str):
        wanted = await self.as_user(node, management, virtual_host, read=r"email\..*|dispatcher")
        async with connected(wanted) as broker:
            with pytest.raises(BrokerRefused, match=r"the queue email may not be read.*permission to read"):
                await broker.subscribe("email", prefetch=1)


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

    async def test_a_strangers_header_takes_no_room_of_ours(self, node: Node, broker: RabbitBroker, queue: str):
        odd = aio_pika.Message(b"1", headers={"dispatcher-aa": "x" * 31_980, "dispatcher-attempt": 2})
        first, again = await self.delivered(node, broker, queue, odd)

        assert (3, 3) == (first.attempt, again.attempt)

    async def test_messages_of_one_id_can_be_settled_side_by_side(self, broker: RabbitBroker, queue: str):
        async with taking(broker, queue, prefetch=20) as deliveries:
            for number in range(20):
                await broker.publish(queue, Message(body=b"%d" % number, id="the same"))
            in_hand = [await take(deliveries) for _ in range(20)]
            await asyncio.gather(*(one.settle(Deferred(one.message, SHORT, FAILURE)) for one in in_hand))
            bodies = {(await take(deliveries)).message.body for _ in range(20)}

        assert {b"%d" % number for number in range(20)} == bodies


class TestPressure:
    """A memory alarm."""

    async def test_a_copy_waits_for_the_alarm_to_end_while_acks_get_through(
        self, node: Node, broker: RabbitBroker, queue: str, management: Management
    ):
        async with taking(broker, queue) as deliveries:
            for number in range(2):
                await broker.publish(queue, message(b"%d" % number))
            kept, done = await take(deliveries), await take(deliveries)
            async with memory_alarm(node):
                settling = asyncio.ensure_future(kept.settle(Rejected(kept.message, FAILURE)))
                await done.settle(Accepted())

                async def acked() -> bool:
                    found = await management.call("GET", f"queues/%2F/{queue}")
                    return 1 == found.get("messages_unacknowledged")

                await until(acked)
                assert not settling.done()
            async with asyncio.timeout(WITHIN):
                await settling
        async with taking(broker, dead_queue(queue)) as dead:
            assert b"0" == (await take(dead)).message.body

    async def test_a_full_queue_of_copies_is_waited_for(
        self, node: Node, broker: RabbitBroker, queue: str, management: Management, caplog
    ):
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message())
            first = await take(deliveries)
            full = {
                "pattern": f"^{dead_queue(queue)}$".replace(".", r"\."),
                "definition": {"max-length": 1, "overflow": "reject-publish"},
                "apply-to": "queues",
            }
            await management.call("PUT", f"policies/%2F/{queue}", full)
            # A quorum queue takes a few more than its limit before it says no.
            filling = [broker.publish(dead_queue(queue), message()) for _ in range(50)]
            await asyncio.gather(*filling, return_exceptions=True)
            settling = asyncio.ensure_future(first.settle(Rejected(first.message, FAILURE)))
            await until(lambda: "is not kept yet: the queue" in caplog.text)

            assert not settling.done()

            async with operator(node) as channel:
                await (await channel.get_queue(dead_queue(queue), ensure=False)).purge()
            async with asyncio.timeout(WITHIN):
                await settling
            await management.call("DELETE", f"policies/%2F/{queue}")

    async def test_a_broker_that_does_not_confirm_in_time_is_an_error(self, node: Node, queue: str):
        async with connected(settings(node, confirm_timeout=timedelta(milliseconds=200))) as broker:
            await broker.declare(queue)
            async with memory_alarm(node):
                with pytest.raises(BrokerError, match=r"the broker does not confirm within 0\.2 s"):
                    await broker.publish(queue, message())

    async def test_a_released_delivery_needs_no_copy(self, broker: RabbitBroker, queue: str):
        async with taking(broker, queue) as deliveries:
            await broker.publish(queue, message())
            await (await take(deliveries)).settle(Released())

            assert (await take(deliveries)).redelivered


async def _consumers(node: Node, queue: str) -> bool:
    """Tell whether somebody takes deliveries from a queue."""
    async with operator(node) as channel:
        try:
            found = await channel.declare_queue(queue, passive=True)
        except aio_pika.exceptions.ChannelClosed:
            return False
    return 0 < (found.declaration_result.consumer_count or 0)


logging.getLogger("aiormq").setLevel(logging.CRITICAL)
