"""The nodes of a cluster: which is used, and which is tried next."""

import asyncio
import logging
import random
from collections import deque

from dispatcher.brokers.rabbitmq.session import Session
from dispatcher.brokers.rabbitmq.settings import RabbitSettings
from dispatcher.words.errors import BrokerError, BrokerRefused

log = logging.getLogger(__name__)


class Nodes:
    """One node is used until it is lost, then the next that can be had; a broker without a cluster is its only node.

    The order is chance, so that the processes of many daemons spread over the nodes.

    Args:
        settings: names them.

    """

    def __init__(self, settings: RabbitSettings) -> None:
        self._order = deque(random.sample(settings.each_node, len(settings.each_node)))

    @property
    def address(self) -> str:
        """The node that is used, as a person would call it."""
        return self._order[0].address

    async def open(self) -> Session:
        """Open a session, both connections of it at one node.

        Raises:
            BrokerRefused: no node can be had, and one of them says no.
            BrokerError: no node can be had.

        """
        failures: list[BrokerError] = []
        for _ in range(len(self._order)):
            node = self._order[0]
            try:
                session = await Session.open(node)
            except BrokerError as error:
                failures.append(error)
                self._leave(node)
                if _is_to_end():
                    break
            else:
                for failure in failures:  # who listed a node that is none would never hear of it
                    log.warning("%s; another node is used", failure)
                return session
        worst = next((one for one in failures if isinstance(one, BrokerRefused)), failures[0])
        raise worst if len(self._order) == 1 else type(worst)(f"no node can be had; {worst}")

    def leave(self) -> None:
        """Try another one next: the one that was used is lost."""
        self._leave(self._order[0])

    def _leave(self, node: RabbitSettings) -> None:
        if self._order[0] is node:  # else another task was faster
            self._order.rotate(-1)


def _is_to_end() -> bool:
    """Tell whether who waits here was cancelled, though the library has lost that and failed in its own way."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
