"""A broker on the node that all tests share, and a proxy before it."""

import logging
from collections.abc import AsyncIterator

import pytest

from dispatcher.brokers.rabbitmq import RabbitBroker
from helpers.node import Node
from tests.brokers.rabbit import connected, settings
from tests.proxy import Proxy

logging.getLogger("aiormq").setLevel(logging.CRITICAL)


@pytest.fixture
async def broker(node: Node) -> AsyncIterator[RabbitBroker]:
    async with connected(settings(node)) as broker:
        yield broker


@pytest.fixture
async def proxy(node: Node) -> AsyncIterator[Proxy]:
    async with Proxy(node.amqp_port) as proxy:
        yield proxy
