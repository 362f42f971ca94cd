"""How far one attempt for a message with several parts has come."""

from collections.abc import Mapping, Sequence

from dispatcher.contract.base import Part
from dispatcher.flow.ledger import JournalLedger
from dispatcher.words.errors import Failure
from dispatcher.words.messages import Message


class Attempt:
    """How far one try of one message has come.

    Attributes:
        message: it.
        parts: all of its parts.
        ledger: what is written down meanwhile; knows who was served before.
        failures: who was not served, and why, by slot.
        pieces: how many pieces of a long text a recipient had before, by slot.
        tried: whether a part was tried in it.
        addresses: of all recipients, in the order of their slots.

    """

    def __init__(self, message: Message, parts: Sequence[Part], ledger: JournalLedger) -> None:
        self.message = message
        self.parts = parts
        self.ledger = ledger
        self.failures: dict[int, Failure] = {}
        self.pieces: Mapping[int, int] = {}
        self.tried = False
        self.addresses = tuple(recipient.address for part in parts for recipient in part.recipients)

    def waiting(self, part: Part) -> list[int]:
        """Give the slots of those in a part who have neither been served nor failed."""
        slots = (recipient.slot for recipient in part.recipients)
        return [slot for slot in slots if slot not in self.ledger.done and slot not in self.failures]

    def add(self, failures: Mapping[int, Failure]) -> None:
        """Take over what became of a part."""
        self.tried = True
        self.failures |= failures

    def leave(self, first: int, why: Failure) -> None:
        """Give up on all parts from one on, for now."""
        for part in self.parts[first:]:
            self.failures |= dict.fromkeys(self.waiting(part), why)
