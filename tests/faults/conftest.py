"""The brokers, the mail servers and the bench of the fault suite; how to write a case is in `bench.py`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from dispatcher.brokers.topology import dead_arguments, dead_queue, retry_arguments, retry_queue
from dispatcher.words.values import parse_duration
from helpers.node import Node
from tests.faults.bench import LONG, PAUSE, QUEUE, RUNGS, Bench, queues
from tests.faults.count import Mails
from tests.faults.publisher import operator
from tests.faults.sink import Sink
from tests.faults.table import PROPERTY
from tests.proxy import Proxy
from tests.smtp_server import SmtpServer

HERE = Path(__file__).resolve().parent
collect_ignore = [] if LONG else ["test_at_length.py"]

PATIENCE = 1_800 if LONG else 120


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the cases the time that they need."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(PATIENCE))


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    """The mail server that counts, slow enough for a load to last."""
    async with SmtpServer(pause=PAUSE) as server:
        yield server


@pytest.fixture
async def sink(tmp_path: Path) -> AsyncIterator[Sink]:
    """Postfix's, which knows nothing of us."""
    async with Sink(tmp_path / "sink") as sink:
        yield sink


BenchMaker = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def benches(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BenchMaker]:
    """Make benches at a broker of one's choice; their rows go into the table."""
    async with AsyncExitStack() as stack:

        async def make(url: str, mails: Mails, **more: Any) -> Bench:
            bench = await stack.enter_async_context(Bench(url, tmp_path, mails, **more))
            made.append(bench)
            return bench

        made: list[Bench] = []
        yield make
        for bench in made:
            if bench.row is not None:
                request.node.user_properties.append((PROPERTY, bench.row.as_property()))


@pytest.fixture
async def bench(benches: BenchMaker, node: Node, virtual_host: str, smtp: SmtpServer) -> Bench:
    """For faults that harm nobody else's broker: a virtual host of the node that all tests share."""
    return await benches(node.url + virtual_host, smtp)


@pytest.fixture(scope="session")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node to be stopped, killed and frozen, one for all such cases of a process."""
    node = Node(tmp_path_factory.mktemp("fragile"), management=False)
    yield node
    node.remove()


@pytest.fixture
async def fragile_node(fragile: Node) -> AsyncIterator[Node]:
    """The same, running; empty again after the case.

    Our quorum queues are there before: RabbitMQ loses one that is made less than a second or two before it is killed.
    """
    await asyncio.to_thread(fragile.start)
    async with operator(fragile.url) as channel:
        for rung in map(parse_duration, RUNGS):
            name = retry_queue(QUEUE, rung)
            await channel.declare_queue(name, durable=True, arguments=dict(retry_arguments(QUEUE, rung)), timeout=10)
        letters = dead_queue(QUEUE)
        await channel.declare_queue(letters, durable=True, arguments=dict(dead_arguments()), timeout=10)
    yield fragile
    await asyncio.to_thread(fragile.start)
    async with operator(fragile.url) as channel:
        await channel.queue_delete(QUEUE)
        for queue in queues()[1:]:
            await (await channel.get_queue(queue, ensure=False)).purge()


@pytest.fixture(params=["classic", "quorum"] if LONG else ["classic"])
def kind(request: pytest.FixtureRequest) -> str:
    """Of the work queue."""
    return str(request.param)


@pytest.fixture
async def fragile_bench(benches: BenchMaker, fragile_node: Node, smtp: SmtpServer) -> Bench:
    """For faults of the broker itself."""
    return await benches(fragile_node.url, smtp)


@pytest.fixture
async def mail_proxy(smtp: SmtpServer) -> AsyncIterator[Proxy]:
    """A line to the mail server that can be cut: `bench.start(notifiers__email__port=mail_proxy.port)`."""
    async with Proxy(smtp.port) as proxy:
        yield proxy


@pytest.fixture
async def broker_proxy(node: Node) -> AsyncIterator[Proxy]:
    """A line to the broker that can be cut."""
    async with Proxy(node.amqp_port) as proxy:
        yield proxy
