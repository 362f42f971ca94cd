"""What a publisher wrote → the chat that is meant."""

import re
from dataclasses import dataclass

from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.messages import harmless, shorten

SHOWN_BYTES = 80

_ID = re.compile(r"-?[1-9]\d{0,18}", re.ASCII)
_NAME = re.compile(r"@[A-Za-z]\w{3,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Chat:
    """One who gets a message.

    Attributes:
        id: a number, or an `@name` as it was written.

    """

    id: int | str

    @property
    def is_group(self) -> bool:
        """Whether it may be more than one person: persons have no negative ids, and bots cannot reach them by name."""
        return isinstance(self.id, str) or self.id < 0

    def __str__(self) -> str:
        """Name it, the same however the name was written."""
        return f"chat {self.id.lower() if isinstance(self.id, str) else self.id}"


def parse_chat(address: str) -> Chat:
    """Read one of `to`.

    Raises:
        Failure: it is no chat (recipient).

    """
    if _ID.fullmatch(address):
        return Chat(int(address))
    if _NAME.fullmatch(address):
        return Chat(address)
    said = shorten(harmless(address), SHOWN_BYTES)
    text = f"to: {said!r} is no chat of Telegram's; write its id, like 4711 or -1001234567890, or its @name"
    raise Failure(Kind.RECIPIENT, Reason.BAD_ADDRESS, text)
