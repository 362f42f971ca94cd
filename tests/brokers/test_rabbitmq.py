"""RabbitMQ keeps what every broker promises, and what only a real one can break."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from dispatcher.brokers.rabbitmq import RabbitBroker, RabbitSettings
from helpers.node import Node
from tests.brokers.contract import LADDER, BrokerContract


def settings(node: Node, **changes: object) -> RabbitSettings:
    return RabbitSettings(url=SecretStr(node.url), **changes)


@pytest.fixture
async def broker(node: Node) -> AsyncIterator[RabbitBroker]:
    broker = RabbitBroker(settings(node), LADDER)
    await broker.start()
    yield broker
    await broker.close()


class TestRabbitBroker(BrokerContract):
    """The contract."""
