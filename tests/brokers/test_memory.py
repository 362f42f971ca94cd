"""The broker in memory keeps what every broker promises."""

from collections.abc import AsyncIterator

import pytest

from dispatcher.brokers.memory import MemoryBroker
from tests.brokers.contract import BrokerContract


class TestMemoryBroker(BrokerContract):
    @pytest.fixture
    async def broker(self) -> AsyncIterator[MemoryBroker]:
        broker = MemoryBroker()
        await broker.start()
        yield broker
        await broker.close()
