"""What all tests share: one private RabbitMQ node for the whole run, and names that nobody else uses."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from helpers.node import Node


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A running RabbitMQ that is ours alone. A test that stops it starts it again."""
    node = Node(tmp_path_factory.mktemp("rabbitmq"))
    node.start()
    yield node
    node.remove()


@pytest.fixture
def queue() -> str:
    """The name of a work queue that no other test uses."""
    return f"test-{uuid4().hex[:8]}"
