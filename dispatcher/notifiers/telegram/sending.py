"""One recipient's messages on their way, and how far they have come."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from dispatcher.contract.telegram import TelegramNotification
from dispatcher.notifiers.base import Report
from dispatcher.notifiers.interruption import Interruption, interrupted
from dispatcher.notifiers.ledger import Entry
from dispatcher.notifiers.telegram.api import Api, Migrated
from dispatcher.notifiers.telegram.chats import Chat
from dispatcher.notifiers.telegram.compose import Outgoing
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.messages import shorten


@dataclass
class Sending:
    """What becomes of one part in one attempt.

    Attributes:
        api: the way.
        entry: is told how far it is.
        notification: how to send it.
        template: the file that it was made from.
        chat: who gets it; after a refusal for its sake, under the new id.
        pieces: how many of its messages the recipient has, those of earlier attempts included.
        remarks: what somebody should know.
        numbers: of the messages that were taken in this attempt.

    """

    api: Api
    entry: Entry
    notification: TelegramNotification
    template: str
    chat: Chat
    pieces: int
    remarks: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    _interruption: Interruption = field(default_factory=Interruption)

    async def run(self, messages: Sequence[Outgoing]) -> None:
        """Send what the recipient does not have, one message after the other.

        Raises:
            Failure: one was not taken, or we were interrupted after some were; `pieces` says how many he has.
            DeliveryLost: the message is not ours any more.
            asyncio.CancelledError: interrupted before any was taken.

        """
        self.entry.begin()
        if self.pieces >= len(messages):
            self.pieces = 0  # somebody else's number, or an older template's: twice rather than never
        try:
            for message in messages[self.pieces :]:
                number = await self._send(message)
                self.pieces += 1
                self.entry.serve(self.pieces if self.pieces < len(messages) else 0)
                self.numbers.append(number)
        except asyncio.CancelledError:
            if not self.numbers:
                raise
            raise interrupted(f"after {self.pieces} of {len(messages)} messages") from None

    def report(self) -> Report:
        """Say what was taken."""
        return Report(
            reference=_reference(self.numbers),
            remark=shorten("; ".join(self.remarks)) or None,
            messages=max(len(self.numbers), 1),
        )

    async def _send(self, message: Outgoing) -> int:
        """Send one; as plain text where its markup is refused."""
        try:
            return await self._follow(message)
        except Failure as failure:
            if failure.reason is not Reason.BAD_MARKUP or message.piece.mode is None:
                raise
            refused = failure
        try:
            number = await self._follow(message.without_markup())
        except Failure as failure:
            if failure.kind is not Kind.CONTENT:
                raise
            text = f"{refused.text}; and as plain text: {failure.text}"
            raise Failure(Kind.CONTENT, Reason.BAD_MARKUP, text) from None
        if not any(remark.startswith(f"{self.template}: ") for remark in self.remarks):  # once for all pieces
            self.remarks.append(f"{self.template}: {refused.text}, so it was sent as plain text")
        return number

    async def _follow(self, message: Outgoing) -> int:
        """Send one; to where the chat has gone, where it has a new id."""
        try:
            return await self._request(message)
        except Migrated as migrated:
            before, self.chat = self.chat, Chat(migrated.chat)
            self.remarks.append(f"{before} has become {self.chat}: name it so from now on")
        try:
            return await self._request(message)
        except Migrated as migrated:
            text = f"{self.api.server}: {before} became {self.chat}, and this became chat {migrated.chat}"
            raise Failure(Kind.TRANSIENT, Reason.SERVICE_ERROR, text) from None

    async def _request(self, message: Outgoing) -> int:
        """Make one request; none after we were cancelled, though the answer to the last one came first."""
        if self._interruption.came:
            raise interrupted(f"after {self.pieces} messages were taken")
        return await self.api.send(self.chat.id, message, self.notification, self.entry.hand_over)


def _reference(numbers: Sequence[int]) -> str | None:
    """Name the messages by their numbers: others may have written in between."""
    if not numbers:
        return None
    if len(numbers) == 1:
        return f"message {numbers[0]}"
    if all(after == before + 1 for before, after in pairwise(numbers)):
        return f"messages {numbers[0]}–{numbers[-1]}"  # noqa: RUF001 - a range
    return f"messages {', '.join(map(str, numbers))}"
