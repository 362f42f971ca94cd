"""The ledger, by mailbox: two recipients of one mail may have the same, and it is sent there once."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager

from dispatcher.notifiers.email.addresses import Address
from dispatcher.notifiers.ledger import Entry, Ledger


class MailboxLedger:
    """Makes the entries of one mail in a ledger.

    Args:
        ledger: where they are made.
        people: the addresses of its recipients, by slot.

    """

    def __init__(self, ledger: Ledger, people: Mapping[int, Address]) -> None:
        self._ledger = ledger
        self._nobody = Entry(ledger, ())
        self._slots: dict[str, list[int]] = {}
        for slot, address in people.items():
            if slot not in ledger.done:
                self._slots.setdefault(address.mailbox, []).append(slot)

    def begin(self) -> None:
        """Be asked before anything is begun.

        Raises:
            DeliveryLost: the message is not ours any more.

        """
        self._nobody.begin()

    def work(self) -> AbstractContextManager[None]:
        """Be at work on the mail until the end of the block."""
        return self._ledger.work()

    def entry(self, mailboxes: Iterable[str]) -> Entry:
        """Give the entry for who has these and was not served before."""
        return Entry(self._ledger, tuple([slot for mailbox in mailboxes for slot in self._slots[mailbox]]))
