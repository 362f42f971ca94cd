"""A ledger that remembers what it was told, and what the server had seen at that moment."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from dispatcher.notifiers.ledger import Ledger
from dispatcher.words.errors import DeliveryLost


class Recorder(Ledger):
    """Remembers.

    Args:
        seen: gives what the server has taken so far.
        done: the slots of those who were served before.

    Attributes:
        said: each call, as `(what, slots, pieces, what the server had seen)`.
        begun: how often it was asked whether the message is still ours.
        withdraw_at: from so many questions on it is not.
        refuse: whether nothing may be handed over.
        at_work: whether it is worked on.
        worked: how often it was.

    """

    def __init__(self, seen: Callable[[], int] = lambda: 0, done: Collection[int] = ()) -> None:
        super().__init__(frozenset(done))
        self.said: list[tuple[str, tuple[int, ...], int, int]] = []
        self.begun = 0
        self.withdraw_at: int | None = None
        self.refuse = False
        self.at_work = False
        self.worked = 0
        self._seen = seen

    @property
    def withdrawn(self) -> bool:
        self.begun += 1
        return self.withdraw_at is not None and self.begun >= self.withdraw_at

    @contextmanager
    def work(self) -> Iterator[None]:
        self.at_work = True
        try:
            yield
        finally:
            self.at_work = False
            self.worked += 1

    def hand_over(self, slots: Collection[int]) -> None:
        self.said.append(("hand over", tuple(slots), 0, self._seen()))
        if self.refuse:
            raise DeliveryLost("it is not ours any more")

    def serve(self, slots: Collection[int], *, pieces: int = 0) -> None:
        self.said.append(("serve", tuple(slots), pieces, self._seen()))

    @property
    def served(self) -> set[int]:
        """The slots of those who were served."""
        return {slot for what, slots, pieces, _ in self.said if what == "serve" and not pieces for slot in slots}

    @property
    def handed_over(self) -> set[int]:
        """The slots of those to whom it may have gone."""
        return {slot for what, slots, _, _ in self.said if what == "hand over" for slot in slots}
