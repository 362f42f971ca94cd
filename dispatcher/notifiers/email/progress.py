"""Whom a mail is for, and how far it has come with each of them."""

from collections.abc import Callable, Mapping, Sequence

from dispatcher.contract.base import Part
from dispatcher.notifiers.email.addresses import Address, parse_recipient
from dispatcher.notifiers.email.transaction import Transaction
from dispatcher.words.errors import Failure
from dispatcher.words.messages import shorten


class Progress:
    """How far one mail has come.

    Attributes:
        waiting: who has no fate yet.
        fates: by mailbox, why it was not served; nothing where it was.

    """

    def __init__(self, waiting: Sequence[Address]) -> None:
        self.waiting = waiting
        self.fates: dict[str, Failure | None] = {}
        self._references: list[str] = []

    def add(self, transaction: Transaction) -> None:
        """Take over what became of a transaction, or of the part of it that was done."""
        self.fates |= transaction.fates
        self.waiting = [address for address in self.waiting if address.mailbox not in self.fates]
        if transaction.reference:
            self._references.append(transaction.reference)

    def end(self, why: Callable[[str], Failure]) -> None:
        """Give a fate to everybody who has none: not served."""
        self.fates |= {address.mailbox: why(address.mailbox) for address in self.waiting}
        self.waiting = ()

    @property
    def has_served(self) -> bool:
        """Whether somebody has the mail."""
        return None in self.fates.values()

    @property
    def reference(self) -> str | None:
        """What the server said when it took the mail, for each time it did."""
        return shorten("; ".join(self._references)) or None


def read_people(part: Part) -> tuple[dict[int, Address], dict[int, Failure]]:
    """Read the addresses of a part by slot, and why some are none."""
    people: dict[int, Address] = {}
    failures: dict[int, Failure] = {}
    for recipient in part.recipients:
        try:
            people[recipient.slot] = parse_recipient(recipient.address)
        except Failure as failure:
            failures[recipient.slot] = failure
    return people, failures


def pending(people: Mapping[int, Address], done: frozenset[int]) -> list[Address]:
    """Give who has still to be served: two names for one mailbox get one mail.

    A slot that is done says nothing about another with the same mailbox: it may be settled as a dead letter.
    """
    return list({address.mailbox: address for slot, address in people.items() if slot not in done}.values())
