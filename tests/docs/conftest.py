"""A daemon with the shipped templates, between a real broker and a real SMTP server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from helpers.node import Node
from tests.daemon import Daemon
from tests.smtp_server import SmtpServer


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    async with SmtpServer() as server:
        yield server


@pytest.fixture
def url(node: Node, virtual_host: str) -> str:
    return node.url + virtual_host


@pytest.fixture
async def daemon(tmp_path: Path, smtp: SmtpServer, url: str) -> AsyncIterator[Daemon]:
    settings = {"brokers__rabbitmq__url": url, "notifiers__email__port": smtp.port}
    async with Daemon(tmp_path, **settings, service__retry__ladder="300ms") as daemon:
        yield daemon
