"""The port of every notifier: one method, one attempt.

A notifier hands a rendered part to its service, once. It MUST NOT loop, sleep before trying again or know of queues:
whether and when to try again is decided by the flow, from the failures it reports. Exceptions of the library it uses
end in it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from dispatcher.contract.base import Notification, Part
from dispatcher.notifiers.ledger import Ledger
from dispatcher.words.errors import Failure
from dispatcher.words.rates import Destination, Rate
from dispatcher.words.texts import Dialect, Rendered


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one part.

    Attributes:
        failures: who was not served and why, by slot; empty when everybody was.
        reference: what the service calls what it took, for a person who asks it later (the queue id of a mail); one
            line, short, harmless to print. Nothing where it took nothing, or gave it no name.
        messages: how many messages the service made of it, where it was more than one; they count for its paces.
        remark: what somebody should know though it was sent: the markup was refused, the chat has a new id. One line.

    """

    failures: Mapping[int, Failure] = field(default_factory=dict)
    reference: str | None = None
    remark: str | None = None
    messages: int = 1


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a notifier without it: who only asks what its queue is like needs none of its libraries.

    Attributes:
        contract: what the bodies of its queue must look like.
        formats: the template formats it can use, by their endings: `html`, `txt`. All are rendered where they exist.
        flat_format: what a template in the top folder is, whose name tells no format (`welcome.jinja2`); not looked
            for where there is none.

    """

    contract: type[Notification]
    formats: Mapping[str, Dialect]
    flat_format: str | None = None


class Notifier(ABC):
    """The way to one outside service."""

    traits: ClassVar[Traits]
    """What its queue is like."""

    @property
    def contract(self) -> type[Notification]:
        """What the bodies of its queue must look like."""
        return self.traits.contract

    @abstractmethod
    async def send(self, message_id: str, notification: Any, part: Part, rendered: Rendered, ledger: Ledger) -> Report:
        """Hand one part to the service, once.

        Args:
            message_id: the identity of the notification; the same at every attempt.
            notification: an instance of `contract`.
            part: whom it is for. Those whose slots are in `ledger.done` are named in it but not served again.
            rendered: the texts.
            ledger: knows who was served before, and is told of each step.

        Returns:
            who was not served, and what the service calls what it took. Interrupted after it has served some, it says
            so (outage, `interrupted`, for those who were not) instead of raising: nobody is to be served twice. Of an
            answer and a cancellation that came together the answer is told; `Task.cancelling` knows of the other.

        Raises:
            Failure: nobody was served, all for the same reason.
            DeliveryLost: the message is not ours any more; some may have been served, which the ledger knows.
            asyncio.CancelledError: interrupted before anybody was served.

        """

    @property
    def unknown_is_final(self) -> bool:
        """Whether what may have been sent, though nobody knows, must not be sent again."""
        return False

    @property
    def rates(self) -> Sequence[Rate]:
        """How much the service takes of all our messages together."""
        return ()

    def destinations(self, part: Part, done: frozenset[int]) -> Sequence[Destination]:
        """Name those for whom the service takes only so much, of the recipients in a part who were not served yet."""
        del part, done
        return ()

    @abstractmethod
    async def check(self) -> str:
        """Try the way to the service without sending anything; say in a few words what answered.

        Raises:
            Failure: as `send` would.

        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of the connections, politely but in bounded time."""
