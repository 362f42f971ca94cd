"""The port of every broker. `tests/brokers/contract.py` is its specification in running form.

A broker MUST hand out each message of a subscribed queue until one delivery of it has been settled with something other
than `Released`, whatever happens to connections in between; it MAY hand one out more than once. A copy that an outcome
carries MUST be kept safely before the original is forgotten. A subscription survives the loss of its connection: the
deliveries of the lost one are `stale`, and their messages come again.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence

from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Outcome


class Delivery(ABC):
    """One message in our hands, with its own way home."""

    message: Message

    @property
    @abstractmethod
    def stale(self) -> bool:
        """Whether it can no longer be settled: the broker hands the message out again."""

    @abstractmethod
    async def settle(self, *outcomes: Outcome, kept: Callable[[], None] = lambda: None) -> None:
        """End this delivery: keep the copies that the outcomes carry, then let go of the message.

        Called once. `Accepted`, `Released` and `Split` stand alone; `Deferred` and `Rejected` may come together.

        Args:
            outcomes: how it ends.
            kept: called when everything is kept, before the broker is told to forget the message.

        Raises:
            DeliveryLost: it is stale: the message comes again. Copies may have been kept.

        """


class Subscription(ABC):
    """The deliveries of one queue, as they come. Iteration ends after `stop`."""

    @abstractmethod
    def __aiter__(self) -> AsyncIterator[Delivery]: ...

    @property
    @abstractmethod
    def trouble(self) -> str | None:
        """Why the broker hands nothing out, though we want it to: one sentence; nothing where it does."""

    @abstractmethod
    async def pause(self) -> None:
        """Take nothing new until `resume`, and give back what nobody has taken out yet."""

    @abstractmethod
    async def resume(self, prefetch: int | None = None) -> None:
        """Take deliveries again, or another number of them.

        Args:
            prefetch: how many may be in hand at once from now on; as many as at first where none is given.

        """

    @abstractmethod
    async def stop(self) -> None:
        """Take nothing new and give back what nobody has taken out yet; deliveries in hand can still be settled."""


class Broker(ABC):
    """What holds the queues."""

    @property
    @abstractmethod
    def trouble(self) -> str | None:
        """Why it cannot be reached, in one sentence; nothing while it can."""

    @property
    def lacks(self) -> Sequence[str]:
        """Which rights are missing that it does without, each in one sentence with what it cannot do."""
        return ()

    @abstractmethod
    async def start(self, *, patient: bool = True) -> None:
        """Come up: return when messages can be published and taken.

        Args:
            patient: wait for a broker that is not there yet.

        Raises:
            BrokerRefused: the broker says no; the text says what to change.
            BrokerError: it cannot be reached, for who is not patient.

        """

    @abstractmethod
    async def declare(self, queue: str) -> int:
        """Make a work queue, its delay queues and its queue of dead letters where they are missing.

        Returns:
            how many messages wait in the work queue.

        Raises:
            BrokerRefused: not permitted, or what exists differs where it must not.

        """

    @abstractmethod
    async def subscribe(self, queue: str, *, prefetch: int) -> Subscription:
        """Take deliveries from a work queue, which is declared first.

        Args:
            queue: its name.
            prefetch: how many unsettled deliveries may be in hand at once.

        Raises:
            BrokerRefused: as for `declare`.

        """

    @abstractmethod
    async def publish(self, queue: str, message: Message) -> None:
        """Put a message in a queue; return when the broker has it safely.

        Raises:
            BrokerError: it is not certain that the broker has it.

        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything; what was not settled comes again to whoever subscribes next."""
