"""A RabbitMQ user with only the permissions that are documented runs everything, and gets at nothing else."""

import asyncio
import json
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.exceptions import PublishError
from aiormq.exceptions import ChannelAccessRefused

from dispatcher.brokers.topology import EXCHANGE
from dispatcher.words.outcomes import Deferred
from helpers.node import Node
from helpers.ports import free_port
from tests.brokers.contract import FAILURE, SHORT, take
from tests.brokers.rabbit import connected, settings
from tests.cli.command import run
from tests.daemon import Daemon
from tests.deploy.people import Person, allow, documented
from tests.docs.pages import Page
from tests.management import Management, rabbitmqctl
from tests.smtp_server import SmtpServer
from tests.waiting import until

People = tuple[Person, Person, Person]
SEND = ("send", "email", "--template", "hello", "--param", "name=Ada", "--subject", "Hello")
LADDER = "300ms,600ms"


@pytest.fixture
async def people(management: Management, virtual_host: str, tmp_path: Path) -> People:
    """The daemon, a publisher that uses the exchange, and one that does not."""
    everybody = await documented(virtual_host, tmp_path)
    for person in everybody:
        await allow(management, person)
    (tmp_path / "templates" / "email").mkdir(parents=True)
    (tmp_path / "templates" / "email" / "hello.txt.jinja2").write_text("Hello {{ name }}!\n")
    return everybody


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    async with SmtpServer() as server:
        yield server


@asynccontextmanager
async def channel_of(node: Node, person: Person) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    async with await aio_pika.connect(person.url(node.amqp_port)) as connection:
        yield await connection.channel(on_return_raises=True)


async def publish(channel: aio_pika.abc.AbstractChannel, exchange: str, to: str | list[str], **more: Any) -> None:
    body = {"template": "hello", "to": to, "subject": "Hello", "parameters": {"name": "Ada"}, **more}
    target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
    await target.publish(aio_pika.Message(json.dumps(body).encode(), message_id=str(uuid4())), "email")


async def make_queues(node: Node, people: People) -> None:
    """Make what the daemon makes."""
    async with connected(settings(node, people[0].url(node.amqp_port))) as broker:
        for queue in ("email", "slack"):
            await broker.declare(queue)


async def is_ready(port: int) -> bool:
    """Ask the page of the daemon."""
    with await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}/health", timeout=5) as answer:
        return json.load(answer)["ready"]


async def is_not_ready(port: int) -> bool:
    return not await is_ready(port)


async def test_everything_works_with_them(node: Node, people: People, smtp: SmtpServer, tmp_path: Path):
    daemon, shop, _ = people
    smtp.answer("RCPT", "451 4.3.0 not now")
    smtp.answer("RCPT", "550 5.1.1 no such user", about="nobody@")
    many = [f"u{number}@example.org" for number in range(30)]
    port = free_port()
    common = {"brokers__rabbitmq__url": daemon.url(node.amqp_port), "notifiers__email__port": smtp.port}
    common |= {"service__retry__ladder": LADDER, "service__health__port": port}
    async with Daemon(tmp_path, **common) as process:
        async with channel_of(node, shop) as channel:
            for to in ("now@example.org", "later@example.org", "nobody@example.org"):
                await publish(channel, EXCHANGE, to)
            await publish(channel, EXCHANGE, many, parameters=[{"name": one} for one in many])
        sent = await run(
            *SEND,
            "--to",
            "sent@example.org",
            folder=tmp_path,
            **{**common, "brokers__rabbitmq__url": shop.url(node.amqp_port)},
        )
        wanted = {*many, "now@example.org", "later@example.org", "sent@example.org"}
        await until(lambda: wanted <= {one for mail in smtp.mails for one in mail.recipients}, 60, "all mails")
        await until(lambda: any(line["outcome"] == "rejected" for line in process.settled()), what="a dead letter")
        was_ready = await is_ready(port)
        checked = await run("check", folder=tmp_path, **common)
        process.terminate()
        code = await process.ended()

    assert (0, "") == (sent.code, sent.error)
    assert len(wanted) == len(smtp.mails)
    assert was_ready
    assert 0 == checked.code, checked.out
    assert 0 == code
    assert [] == [
        line for line in process.log if line.get("level") in {"warning", "error"} and "right" in line["event"]
    ]


async def test_the_commands_are_rabbitmqctls(node: Node, people: People):
    daemon, _, _ = people
    rights = [daemon.rights[right] for right in ("configure", "write", "read")]
    await rabbitmqctl(node, "-q", "set_permissions", "-p", daemon.host, daemon.name, *rights)

    shown = await rabbitmqctl(node, "-q", "list_permissions", "-p", daemon.host, "--formatter", "json")
    assert {"user": daemon.name, **daemon.rights} in json.loads(shown)


async def test_guest_is_not_bound(tmp_path: Path):
    said = await run("permissions", folder=tmp_path)

    assert 0 == said.code
    assert "# guest is RabbitMQ's administrator" in said.out
    assert [] == [line for line in said.out.splitlines() if " guest " in line and not line.startswith("#")]


def test_the_page_shows_what_the_command_prints(people: People):
    page = Page("security.md").text
    for person in people:
        for rights in person.rights.values():
            assert f"'{rights}'" in page


class TestThePublisher:
    """It gets messages into the work queues, and at nothing else."""

    @pytest.fixture(autouse=True)
    async def queues(self, node: Node, people: People) -> None:
        await make_queues(node, people)

    async def test_reaches_the_queues_by_the_exchange_and_no_others(self, node: Node, people: People):
        async with channel_of(node, people[1]) as channel:
            exchange = await channel.get_exchange(EXCHANGE, ensure=False)
            await exchange.publish(aio_pika.Message(b"{}"), "slack")
            with pytest.raises(PublishError):
                await exchange.publish(aio_pika.Message(b"{}"), "email.dead")

    @pytest.mark.parametrize("deed", ["default exchange", "read", "declare", "bind", "purge"])
    async def test_may_do_nothing_else(self, node: Node, people: People, deed: str):
        async with channel_of(node, people[1]) as channel:
            email = await channel.get_queue("email", ensure=False)
            deeds = {
                "default exchange": lambda: channel.default_exchange.publish(aio_pika.Message(b"{}"), "email"),
                "read": lambda: email.get(fail=False),
                "declare": lambda: channel.declare_queue("email", durable=True),
                "bind": lambda: email.bind(EXCHANGE, "another"),
                "purge": email.purge,
            }
            with pytest.raises(ChannelAccessRefused):
                await deeds[deed]()

    async def test_that_uses_the_default_exchange_reaches_the_queue_itself(
        self, node: Node, people: People, tmp_path: Path
    ):
        arguments = {"folder": tmp_path, "brokers__rabbitmq__url": people[2].url(node.amqp_port)}
        done = await run(*SEND, "--to", "ada@example.org", **arguments)

        assert (0, "") == (done.code, done.error)

    async def test_without_its_right_is_told_so(
        self, node: Node, management: Management, people: People, tmp_path: Path
    ):
        shop = people[1].without("write", "dispatcher")
        await allow(management, shop)
        done = await run(*SEND, "--to", "a@b.org", folder=tmp_path, brokers__rabbitmq__url=shop.url(node.amqp_port))

        assert 2 == done.code
        begin = (
            "dispatcher: nothing may be published to the queue email: the right to write to 'dispatcher' is missing ("
        )
        assert done.error.startswith(begin)
        assert done.error.endswith("; 'dispatcher permissions' prints the command that gives it\n")


@pytest.mark.parametrize("deed", ["read the dead letters", "make another queue", "purge the dead letters"])
async def test_the_daemon_gets_at_nothing_else(node: Node, people: People, deed: str):
    await make_queues(node, people)
    async with channel_of(node, people[0]) as channel:
        dead = await channel.get_queue("email.dead", ensure=False)
        deeds = {
            "read the dead letters": lambda: dead.get(fail=False),
            "make another queue": lambda: channel.declare_queue("emails", durable=True),
            "purge the dead letters": dead.purge,
        }
        with pytest.raises(ChannelAccessRefused):
            await deeds[deed]()


class TestTakenAwayWhileItRuns:
    """The daemon says it and waits; what was published meanwhile is sent when the right is there again."""

    @pytest.mark.parametrize(
        ("right", "name", "said"),
        [
            ("write", "amq.default", "no copy of a message can be kept, for another attempt or for good: the right to"),
            ("read", "email", "the queue email may not be read: the right to read from 'email' is missing"),
            ("configure", "email.dead", "the queue email.dead may not be made, where messages are kept"),
        ],
    )
    async def test_nothing_is_lost(
        self,
        node: Node,
        management: Management,
        people: People,
        smtp: SmtpServer,
        tmp_path: Path,
        right: str,
        name: str,
        said: str,
    ):
        daemon, shop, _ = people
        port = free_port()
        published: list[str] = []

        async def publish_more() -> bool:
            """Publish, until the daemon complains."""
            published.append(f"u{len(published)}@example.org")
            await publish(channel, EXCHANGE, published[-1])
            await asyncio.sleep(0.2)
            return any(said in line["event"] for line in process.log)

        async with (
            Daemon(
                tmp_path,
                brokers__rabbitmq__url=daemon.url(node.amqp_port),
                notifiers__email__port=smtp.port,
                service__retry__ladder=LADDER,
                service__health__port=port,
            ) as process,
            channel_of(node, shop) as channel,
        ):
            await allow(management, daemon.without(right, name))
            await self.cut(management, daemon)
            await until(publish_more, what=said)
            await until(lambda: is_not_ready(port), what="not ready")
            await allow(management, daemon)
            await until(lambda: len(smtp.mails) >= len(published), within=60, what="all mails")
            await until(lambda: is_ready(port), what="ready")
            process.terminate()
            code = await process.ended()

        assert Counter(published) == Counter(mail.recipients[0] for mail in smtp.mails)
        assert 0 == code

    async def test_a_copy_that_may_not_be_kept_any_more_waits_until_it_may(
        self, node: Node, management: Management, people: People
    ):
        daemon, shop, _ = people
        async with connected(settings(node, daemon.url(node.amqp_port))) as broker:
            subscription = await broker.subscribe("email", prefetch=1)
            deliveries = aiter(subscription)
            async with channel_of(node, shop) as channel:
                await publish(channel, EXCHANGE, "ada@example.org")
            delivery = await take(deliveries)
            await allow(management, daemon.without("write", "amq.default"))
            opened = (await broker.session()).outlet._channel
            assert opened is not None
            await opened.close()  # on the next, rights are looked at anew
            settling = asyncio.create_task(delivery.settle(Deferred(delivery.message, SHORT, FAILURE)))
            await until(lambda: "the right to write to 'amq.default' is missing" in (subscription.trouble or ""))
            assert not settling.done()
            await allow(management, daemon)
            await settling

            assert delivery.message.body == (await take(deliveries)).message.body

    async def cut(self, management: Management, person: Person) -> None:
        """Close a connection of a user: on one that is busy, RabbitMQ goes by the rights of before."""

        async def names() -> list[str]:
            return [one["name"] for one in await management.connections() if one["user"] == person.name]

        async def seen() -> bool:
            return bool(await names())

        await until(seen, what="connections on the management page")
        await management.call("DELETE", f"connections/{quote((await names())[0])}")
