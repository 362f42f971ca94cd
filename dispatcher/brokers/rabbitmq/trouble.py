"""What a subscription says about itself: a trouble is logged once, not with each try."""

import logging

MOST_DOUBT = 64
"""How much longer the looks at the broker's view may get apart, where asking again changes nothing."""

log = logging.getLogger(__name__)


class Trouble:
    """Why nothing is taken from a queue.

    Args:
        queue: its name.

    Attributes:
        text: in one sentence; of no meaning while deliveries are taken.
        doubt: how many times longer than usual to wait before the next look at the broker's view.

    """

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._nothing_yet = f"the queue {queue} is not taken from yet"
        self._asked = ""
        self.text = self._nothing_yet
        self.doubt = 1

    def over(self) -> None:
        """Say that deliveries are taken."""
        self.text = self._nothing_yet
        log.info("taking deliveries from the queue %s", self._queue)

    def cannot(self, sentence: str, level: int) -> None:
        """Say why nothing can be taken, at this level of the log."""
        if sentence != self.text:
            log.log(level, "cannot take from the queue %s: %s; trying on until it can", self._queue, sentence)
        self.text = sentence

    def bug(self, bug: BaseException) -> None:
        """Say that we have a bug, each time."""
        self.text = f"a bug while taking from the queue {self._queue}: {type(bug).__name__}"
        log.error("a bug while taking deliveries from %s", self._queue, exc_info=bug)

    def lost(self) -> None:
        """Note that the connection went; whoever keeps it has said so."""
        self.text = f"the connection to RabbitMQ was lost while taking from the queue {self._queue}"

    def ask_again(self, why: str) -> None:
        """Say why deliveries are asked for again; once only where that changes nothing."""
        if self.doubt == 1 or why != self._asked:
            log.warning("%s; asking again", why)
        self.text = self._asked = why

    def weigh(self, *, in_vain: bool) -> None:
        """Let the next looks be further apart where asking again was in vain, and as usual where it was not."""
        self.doubt = min(self.doubt * 2, MOST_DOUBT) if in_vain else 1
