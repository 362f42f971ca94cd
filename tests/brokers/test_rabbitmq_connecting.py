"""Coming up: what is not there yet, what says no, certificates, settings."""

import asyncio
import contextlib
import socket
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
import uvloop
from pydantic import SecretStr, ValidationError

from dispatcher.brokers.rabbitmq import RabbitBroker, RabbitSettings
from dispatcher.brokers.rabbitmq.connect import connect
from dispatcher.brokers.rabbitmq.session import Session
from dispatcher.words.errors import BrokerError, BrokerRefused
from helpers.node import Node
from tests.brokers.contract import LADDER, WITHIN, message, take, taking
from tests.brokers.rabbit import connected, settings, through
from tests.conftest import Certificates
from tests.management import Management
from tests.proxy import Proxy
from tests.waiting import until


def hang_up_on_all(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            server.accept()[0].close()


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

    def test_one_that_hangs_up_at_once_is_tried_again(self):
        """With the daemon's event loop the library ends otherwise than with asyncio's, now and then."""
        server = socket.create_server(("127.0.0.1", 0))
        Thread(target=hang_up_on_all, args=[server], daemon=True).start()
        nobody = RabbitSettings(url=SecretStr(f"amqp://guest:guest@127.0.0.1:{server.getsockname()[1]}/"))

        async def knock() -> None:
            for _ in range(100):
                with pytest.raises(BrokerError):
                    await connect(nobody, "test")
            async with asyncio.timeout(10):  # the library closes in tasks of its own, which may begin others
                while left := asyncio.all_tasks() - {asyncio.current_task()}:
                    await asyncio.wait(left)

        uvloop.run(knock())
        server.close()

    async def test_a_bug_while_connecting_is_said_and_tried_again(self, node: Node, monkeypatch, caplog):
        opened = Session.open
        troubles = [ZeroDivisionError()]

        async def open_at_last(settings: RabbitSettings) -> Session:
            if troubles:
                raise troubles.pop()
            return await opened(settings)

        monkeypatch.setattr(Session, "open", open_at_last)
        broker = RabbitBroker(settings(node), LADDER)
        await broker.start()
        await broker.close()
        assert "a bug while connecting: ZeroDivisionError; trying on until it can" in caplog.text

        troubles.append(ZeroDivisionError())
        with pytest.raises(BrokerError, match="a bug while connecting: ZeroDivisionError"):
            await RabbitBroker(settings(node), LADDER).start(patient=False)

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
            with pytest.raises(BrokerError, match=r"does not answer within 0\.2 s; check brokers\.rabbitmq\.url"):
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
