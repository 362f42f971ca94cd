"""What a notifier says while it sends goes into the journal, at the moment it is so."""

from collections.abc import Collection
from contextlib import AbstractContextManager
from time import monotonic

from dispatcher.flow.outages import Outages
from dispatcher.flow.page import Page
from dispatcher.notifiers.ledger import Ledger
from dispatcher.words.errors import DeliveryLost, Failure, Kind
from dispatcher.words.messages import Message


class JournalLedger(Ledger):
    """The ledger of one try of one message.

    Args:
        page: where it is written.
        message: the message.
        done: the slots of recipients who were served before.
        everybody: the slots of all its recipients.
        outages: what is known of the service.
        careful: whether a message that may have been sent must not be sent again: then it is also written down that
            it is about to be.

    Attributes:
        handed_over: the slots of those for whom the service may have it.

    """

    def __init__(
        self,
        page: Page,
        message: Message,
        done: frozenset[int],
        everybody: Collection[int],
        *,
        careful: bool,
        outages: Outages | None = None,
    ) -> None:
        super().__init__(done)
        self._began = monotonic()
        self._outages = outages
        self.handed_over: set[int] = set()
        self._page = page
        self._message = message
        self._careful = careful
        self._left = set(everybody) - done

    @property
    def withdrawn(self) -> bool:
        """Whether the broker hands it out again."""
        return self._message.is_gone()

    @property
    def hindrance(self) -> Failure | None:
        """An outage that was noticed since this try began: nothing that waits for its turn has to meet it, too."""
        return None if self._outages is None else self._outages.forbids(self._began)

    def work(self) -> AbstractContextManager[None]:
        """Mark the message as worked on."""
        return self._page.work(self._message)

    def hand_over(self, slots: Collection[int]) -> None:
        """Let go only what is still ours."""
        if self._message.is_stale():
            raise DeliveryLost("the broker has taken the message back; it was not sent")
        self.handed_over.update(slots)
        if self._careful:
            self._page.hand_over(self._message, slots)

    def serve(self, slots: Collection[int], *, pieces: int = 0) -> None:
        """Write it down; once everybody has all of it, only the broker has to be told."""
        if not pieces:
            self._left.difference_update(slots)
        self._page.serve(self._message, slots, pieces, last=not self._left)

    def answered(self, failures: Collection[Failure]) -> None:
        """Take the doubts back, once the service has answered for everybody: who failed surely has nothing."""
        if self._careful and self.handed_over and not any(failure.kind is Kind.UNKNOWN for failure in failures):
            self._page.take_back(self._message)
