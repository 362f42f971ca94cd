"""A daemon with the shipped templates, between a real broker, a real SMTP server, and the sandbox for the rest."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from helpers.node import Node
from helpers.ports import free_port
from helpers.sandbox import Sandbox
from tests.daemon import Daemon
from tests.smtp_server import SmtpServer


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    async with SmtpServer() as server:
        yield server


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(smtp_port=free_port(), http_port=free_port()) as sandbox:
        yield sandbox


@pytest.fixture
def url(node: Node, virtual_host: str) -> str:
    return node.url + virtual_host


@pytest.fixture
async def daemon(tmp_path: Path, smtp: SmtpServer, sandbox: Sandbox, url: str) -> AsyncIterator[Daemon]:
    settings = {
        "brokers__rabbitmq__url": url,
        "service__retry__ladder": "300ms",
        "notifiers__email__port": smtp.port,
        "notifiers__telegram__token": "4711:sandbox",
        "notifiers__telegram__api_url": f"{sandbox.url}telegram",
        "notifiers__slack__token": "xoxb-sandbox",
        "notifiers__slack__api_url": f"{sandbox.url}slack/api",
        "notifiers__slack__webhooks": json.dumps({"alerts": f"{sandbox.url}slack/services/alerts"}),
    }
    async with Daemon(tmp_path, **settings) as daemon:
        yield daemon
