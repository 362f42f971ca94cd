"""A message that the library cannot read: it ends the connection, is handed out again, and so for ever.

`tolerance` lets the library pass over all that is known to do so. For what is not known: the queue in question gets a
session of its own, so that the others go on, and a prefetch of 1, so that no innocent message is handed out with it.
"""

import asyncio
import logging
from collections.abc import Callable

from dispatcher.backoff import backoff
from dispatcher.brokers.rabbitmq.spell import Spell

CAREFUL_FOR = 60.0
"""Seconds without trouble after which a queue is taken from as before."""

SHORTEST, LONGEST = 1.0, 60.0

log = logging.getLogger(__name__)


class Poison:
    """What is known about unreadable messages in one queue.

    Args:
        queue: its name.
        changed: called when it may be taken from as before.

    Attributes:
        careful: one message at a time is taken, in a session of its own.
        trouble: what to do about the message, in one sentence, once it is certain that it is one.
        wait: seconds until it is worth another try.

    """

    def __init__(self, queue: str, changed: Callable[[], None]) -> None:
        self._queue = queue
        self._changed = changed
        self.careful = False
        self.trouble: str | None = None
        self.wait = 0.0
        self._waits = backoff(SHORTEST, LONGEST)
        self._calming: asyncio.TimerHandle | None = None

    def begun(self) -> None:
        """Count the time without trouble from now on."""
        if self.careful:
            self._calming = asyncio.get_running_loop().call_later(CAREFUL_FOR, self._calm)

    def note(self, spell: Spell) -> None:
        """Look at how a spell ended."""
        if self._calming is not None:
            self._calming.cancel()
        if not spell.broke_the_session:
            self.wait = 0.0
            return
        if self.careful and self.trouble is None:
            self.trouble = (
                f"the first message of the queue {self._queue} cannot be read and ends the connection each time: "
                "remove it on RabbitMQ's management page (Get messages, ack mode 'Reject requeue false') or with "
                f"'rabbitmqadmin get queue={self._queue} ackmode=reject_requeue_false'"
            )
            log.error("%s", self.trouble)
        self.careful = True
        self.wait = next(self._waits)

    def _calm(self) -> None:
        if self.trouble is not None:
            log.warning("the queue %s can be read again", self._queue)
        self.careful, self.trouble, self.wait = False, None, 0.0
        self._waits = backoff(SHORTEST, LONGEST)
        self._changed()
