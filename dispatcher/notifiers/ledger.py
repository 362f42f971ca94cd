"""What a notifier says of a part while it sends it, and to whom: the other half of the port of every notifier."""

from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from dispatcher.words.errors import DeliveryLost, Failure


class Ledger:
    """What a notifier says while it sends a part, each thing at the moment it is so: this one writes nothing down.

    Attributes:
        done: the slots of recipients who were served before.

    """

    def __init__(self, done: frozenset[int] = frozenset()) -> None:
        self.done = done

    @property
    def withdrawn(self) -> bool:
        """Whether the message is not ours any more: somebody else, or we ourselves, will be given it again."""
        return False

    @property
    def hindrance(self) -> Failure | None:
        """Why nothing more is to be begun; the message goes back as it is."""
        return None

    def work(self) -> AbstractContextManager[None]:
        """Be at work on the part until the end of the block: all of it but for waiting, for a connection above all."""
        return nullcontext()

    def hand_over(self, slots: Collection[int]) -> None:
        """Say that from now on nobody can tell whether the service has taken it for these, until it answers.

        Called at the last moment at which it surely has not: before the final dot of a mail, before a request.

        Raises:
            DeliveryLost: the message is not ours any more; nothing may be sent.

        """

    def serve(self, slots: Collection[int], *, pieces: int = 0) -> None:
        """Say that the service has taken it for these, before anything else is done.

        Args:
            slots: whom it was for.
            pieces: of a text that goes out in several pieces, how many they have, while some are missing.

        """


@dataclass(frozen=True, slots=True)
class Entry:
    """What a ledger is told of those who share one message to a service.

    Attributes:
        ledger: where it is written.
        slots: who they are.

    """

    ledger: Ledger
    slots: tuple[int, ...]

    def begin(self) -> None:
        """Be asked before anything is begun.

        Raises:
            DeliveryLost: the message is not ours any more.
            Failure: nothing is to be begun now (outage).

        """
        if self.ledger.withdrawn:
            raise DeliveryLost("the message was taken back before it was sent, and comes again")
        if (hindrance := self.ledger.hindrance) is not None:
            raise hindrance

    def hand_over(self) -> None:
        """Say that the service may have it from now on.

        Raises:
            DeliveryLost: the message is not ours any more; nothing may be sent.

        """
        self.ledger.hand_over(self.slots)

    def serve(self, pieces: int = 0) -> None:
        """Say that the service has taken it, or so many pieces of it."""
        self.ledger.serve(self.slots, pieces=pieces)
