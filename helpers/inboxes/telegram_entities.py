"""What the two markups of Telegram share: entities, which say how a stretch of the visible text looks.

An entity is what the Bot API gives: `{"type", "offset", "length"}` and, by its type, `url`, `language`, `user` or
`custom_emoji_id`. Offset and length count UTF-16 units.
"""

from __future__ import annotations

import re
from typing import Any, Generic, TypeVar

Entity = dict[str, Any]

USER = re.compile(r"tg://user\?id=(\d{1,18})", re.IGNORECASE)
SPACE = " \t\r\n\0\v"
"""What the parsers of Telegram call a space."""


def units(text: str) -> int:
    """Count the UTF-16 units of a text: two for each character beyond U+FFFF."""
    return len(text) + sum(character > "\uffff" for character in text)


def position(text: str, index: int) -> int:
    """Give the byte at which a character stands, as Telegram's errors count."""
    return len(text[:index].encode("utf-8", "surrogatepass"))


def in_order(entities: list[Entity]) -> list[Entity]:
    """Sort by where they begin, the outer ones first."""
    return sorted(entities, key=lambda entity: (entity["offset"], -entity["length"]))


def link(url: str) -> Entity:
    """Give the kind of entity that a link makes: one to a user is a mention."""
    if match := USER.fullmatch(url):
        user = {"id": int(match[1]), "is_bot": False, "first_name": f"User {match[1]}"}
        return {"type": "text_mention", "user": user}
    return {"type": "text_link", "url": url}


class Visible:
    """The visible text as it grows, and how many UTF-16 units it has."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.units = 0

    def add(self, character: str) -> None:
        """Put a character at the end."""
        self.pieces.append(character)
        self.units += units(character)

    def since(self, piece: int) -> str:
        """Give the text from a piece on."""
        return "".join(self.pieces[piece:])


Open = TypeVar("Open")
"""What waits for its end, as the markup has it."""


class Reading(Generic[Open]):
    """One text on its way to be read.

    Attributes:
        text: all of it.
        at: the character that is next.
        visible: what a person will see of what was read.
        open: what waits for its end, the innermost last.
        entities: what has ended.

    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.visible = Visible()
        self.open: list[Open] = []
        self.entities: list[Entity] = []

    def peek(self, ahead: int = 0) -> str:
        """Give a character; a zero byte stands for the end, as it does there."""
        return self.text[self.at + ahead] if self.at + ahead < len(self.text) else "\0"
