"""The nodes of a cluster: two lines to one broker do for what is seen of them here; `tests/faults` kills real ones."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from dispatcher.brokers.rabbitmq import RabbitBroker, RabbitSettings
from dispatcher.brokers.rabbitmq.nodes import Nodes
from dispatcher.words.errors import BrokerError, BrokerRefused
from helpers.node import Node
from tests.brokers.contract import LADDER, message, take, taking
from tests.brokers.rabbit import connected, settings
from tests.cli.command import run
from tests.proxy import Proxy
from tests.waiting import until

CLUSTER = "amqp://guest:guest@cluster.invalid/"
"""What a cluster is called need be no host."""


@pytest.fixture
async def lines(node: Node) -> AsyncIterator[tuple[Proxy, Proxy]]:
    async with Proxy(node.amqp_port) as one, Proxy(node.amqp_port) as other:
        yield one, other


def through(node: Node, lines: tuple[Proxy, Proxy], url: str = CLUSTER) -> RabbitSettings:
    return settings(node, url, nodes=tuple(f"127.0.0.1:{line.port}" for line in lines))


def used(lines: tuple[Proxy, Proxy]) -> tuple[Proxy, Proxy]:
    """Give the line that is used first, and the other."""
    one, other = lines
    return (one, other) if one.taken else (other, one)


class TestConnecting:
    """Which node is used."""

    async def test_both_connections_are_at_one_node(self, node: Node, lines):
        async with connected(through(node, lines)):
            here, elsewhere = used(lines)

            assert (2, 0) == (here.taken, elsewhere.taken)

    async def test_they_spread_over_the_nodes(self, node: Node, lines):
        wanted = through(node, lines)

        assert {one.address for one in wanted.each_node} == {Nodes(wanted).address for _ in range(64)}

    async def test_a_node_that_is_away_is_passed_over_with_a_word(self, node: Node, lines, caplog):
        away, there = lines
        await away.away()
        while "cannot be reached" not in caplog.text:  # whichever comes first
            async with connected(through(node, lines)):
                pass

        assert away.taken == 0 < there.taken
        (said,) = caplog.messages
        assert said.startswith(f"RabbitMQ at amqp://127.0.0.1:{away.port}/ cannot be reached (Connection refused)")
        assert said.endswith("; another node is used")

    async def test_after_a_loss_it_goes_on_at_another_node(self, node: Node, lines, queue: str, caplog):
        caplog.set_level("INFO")
        async with connected(through(node, lines)) as broker, taking(broker, queue) as deliveries:
            here, elsewhere = used(lines)
            await here.away()
            await until(lambda: f"connected to RabbitMQ at amqp://127.0.0.1:{elsewhere.port}/" in caplog.text)
            await broker.publish(queue, message(b"from elsewhere"))

            assert b"from elsewhere" == (await take(deliveries)).message.body
            assert 2 == elsewhere.taken

    async def test_it_changes_nodes_as_often_as_it_has_to(self, node: Node, lines):
        async with connected(through(node, lines)):
            in_turn = used(lines)
            for turn in (1, 2):
                for line in in_turn:
                    await until(lambda line=line, turn=turn: line.taken == 2 * turn and line.open_connections == 4)
                    line.cut()

    async def test_what_is_wrong_with_all_of_them_is_one_sentence(self, node: Node, lines):
        for line in lines:
            await line.away()
        broker = RabbitBroker(through(node, lines), LADDER)
        with pytest.raises(
            BrokerError,
            match=r"^no node can be had; RabbitMQ at amqp://127\.0\.0\.1:\d+/ cannot be reached "
            r"\(Connection refused\); start it, or check brokers\.rabbitmq\.nodes$",
        ):
            await broker.start(patient=False)
        await broker.close()

    async def test_a_refusal_says_more_than_that_another_node_is_away(self, node: Node, lines):
        away, _ = lines
        await away.away()
        for _ in range(4):  # whichever comes first
            with pytest.raises(BrokerRefused, match="refuses the login of user 'ada'"):
                async with connected(through(node, lines, "amqp://ada:hunter2@cluster.invalid/")):
                    pass

    async def test_who_tries_silent_nodes_can_be_stopped(self, node: Node, lines):
        for line in lines:
            line.freeze()
        broker = RabbitBroker(through(node, lines), LADDER)
        start = asyncio.ensure_future(broker.start())
        await until(lambda: any(line.taken for line in lines))
        start.cancel()
        async with asyncio.timeout(5):
            await broker.close()


async def test_check_says_which_node_is_away(node: Node, lines, virtual_host: str, tmp_path: Path):
    away, there = lines
    await away.away()
    nodes = f"127.0.0.1:{away.port}, 127.0.0.1:{there.port}"
    url = f"{CLUSTER}{virtual_host}"
    result = await run("check", folder=tmp_path, brokers__rabbitmq__url=url, brokers__rabbitmq__nodes=nodes)
    table = {tuple(line.split()[:3]) for line in result.out.splitlines()}

    assert ("ok", "broker", f"amqp://cluster.invalid:5672/{virtual_host}") in table
    assert ("ok", "node", f"amqp://127.0.0.1:{there.port}/{virtual_host}") in table
    assert ("wrong", "node", "RabbitMQ") in table
    assert (
        f"RabbitMQ at amqp://127.0.0.1:{away.port}/{virtual_host} cannot be reached (Connection refused)" in result.out
    )
    assert 1 == result.code


class TestSettings:
    """`brokers.rabbitmq.nodes`."""

    def addresses(self, url: str, *nodes: str) -> list[str]:
        return [one.address for one in RabbitSettings(url=SecretStr(url), nodes=nodes).each_node]

    def test_all_but_host_and_port_comes_from_the_url(self):
        assert ["amqps://mq1:5671/shop", "amqps://mq2:7000/shop"] == self.addresses(
            "amqps://mq/shop", "mq1", "mq2:7000"
        )

    def test_the_port_of_the_url_holds_where_a_node_names_none(self):
        assert ["amqp://mq1:7000/"] == self.addresses("amqp://mq:7000", "mq1")

    def test_a_node_may_be_an_address(self):
        (node,) = RabbitSettings(nodes=("[::1]:7000",)).each_node

        assert ("::1", 7000) == (node.parsed.host, node.parsed.port)

    def test_without_nodes_the_url_is_the_only_one(self):
        assert ["amqp://mq:5672/"] == self.addresses("amqp://mq")

    def test_the_login_is_the_same_everywhere(self):
        wanted = RabbitSettings(url=SecretStr("amqp://ada@mq/"), password=SecretStr("p@ss/word"), nodes=("mq1", "mq2"))

        assert {("ada", "p@ss/word")} == {(one.parsed.user, one.parsed.password) for one in wanted.each_node}

    def test_the_journal_knows_a_cluster_by_its_url_whatever_its_nodes_are(self):
        alone = RabbitSettings(url=SecretStr(CLUSTER))
        three = RabbitSettings(url=SecretStr(CLUSTER), nodes=("mq1", "mq2", "mq3"))

        assert alone.address == three.address

    @pytest.mark.parametrize("node", ["", ":5672", "a b", "ada:hunter2@mq1", "amqp://mq1", "mq1/shop", "mq1:99999"])
    def test_what_is_no_host_is_refused_without_being_shown(self, node: str):
        with pytest.raises(ValidationError, match="is no list of hosts; write it like") as refused:
            RabbitSettings(nodes=("mq1", node))

        assert "hunter2" not in str(refused.value)
