"""What is sent to the server in a transaction, as bytes."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from dispatcher.notifiers.email.addresses import Address
from dispatcher.notifiers.email.replies import Phase

GROUP = 16_384
"""How much goes out before the server must have answered it all, in bytes: what neither side's window holds could keep
both waiting for the other (RFC 2920 3.1)."""


class Command(NamedTuple):
    """One of MAIL, RCPT and DATA.

    Attributes:
        phase: which.
        line: as it is written, without its end.
        address: the recipient, for RCPT.

    """

    phase: Phase
    line: bytes
    address: Address | None = None


DATA = Command(Phase.DATA, b"DATA")


def begin(
    sender: Address, recipients: Sequence[Address], mail: bytes, offers: Callable[[str], bool]
) -> Sequence[Command]:
    """Give MAIL, with the parameters for which the server `offers` an extension, and RCPT for each recipient."""
    line = f"MAIL FROM:<{sender.mailbox}>"
    if offers("size"):
        line += f" SIZE={len(mail)}"
    ascii_only = mail.isascii()
    if not ascii_only and offers("8bitmime"):
        line += " BODY=8BITMIME"
    if not ascii_only or any(address.needs_smtputf8 for address in (sender, *recipients)):
        line += " SMTPUTF8"
    commands = [Command(Phase.MAIL, line.encode())]
    commands += [Command(Phase.RCPT, f"RCPT TO:<{one.mailbox}>".encode(), one) for one in recipients]
    return commands


def grouped(commands: Sequence[Command], limit: int = GROUP) -> Iterator[Sequence[Command]]:
    """Give them in groups of so many bytes at most, or of one command."""
    group: list[Command] = []
    size = 0
    for command in commands:
        length = len(command.line) + len(b"\r\n")
        if group and size + length > limit:
            yield group
            group, size = [], 0
        group.append(command)
        size += length
    yield group


def stuff(mail: bytes) -> bytes:
    """Double each dot that begins a line, so that none of them ends the mail (RFC 5321 4.5.2)."""
    stuffed = mail.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed
