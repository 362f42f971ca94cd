"""Telegram's `MarkdownV2`, read as its server does: what is reserved and not escaped is an error, not a character."""

from __future__ import annotations

from typing import NamedTuple

from helpers.inboxes.telegram_entities import SPACE, Entity, Reading, in_order, link, position

RESERVED = frozenset("_*[]()~`>#+-=|{}.!\n")
CODE = {"code", "pre"}
NAMES = {
    "bold": "Bold",
    "italic": "Italic",
    "underline": "Underline",
    "strikethrough": "Strikethrough",
    "spoiler": "Spoiler",
    "code": "Code",
    "pre": "Pre",
    "text_link": "TextUrl",
    "custom_emoji": "CustomEmoji",
    "blockquote": "BlockQuote",
}
MARKS = {
    "bold": "*",
    "strikethrough": "~",
    "code": "`",
    "pre": "```",
    "spoiler": "||",
    "underline": "__",
    "text_link": "]",
    "custom_emoji": "]",
}
"""What ends an entity; italic and quotes have rules of their own."""
LAST_ASCII = 126


class Open(NamedTuple):
    """An entity that waits for its end."""

    kind: str
    language: str
    offset: int
    piece: int
    begin: int


def parse_markdown_v2(text: str) -> tuple[str, list[Entity]]:
    """Give the visible text and its entities; raise `ValueError` with Telegram's words where it refuses the text."""
    return Markdown(text).parse()


class Markdown(Reading[Open]):
    """One text on its way to be read."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.line_begins = True

    def parse(self) -> tuple[str, list[Entity]]:
        """Read it all."""
        while self.at < len(self.text):
            character, inner = self.text[self.at], self.open[-1].kind if self.open else ""
            if character == "\\" and 0 < ord(self.peek(1)) <= LAST_ASCII:
                self._literal(self.peek(1), 2)
            elif character not in ({"`"} if inner in CODE else RESERVED):
                self._literal(character, 1)
            elif mark := self._ends(inner):
                self._end(mark)
            elif character == "\n":
                self._literal(character, 1)
                self.line_begins = True
            else:
                self._start(character)
        if self.open and self.open[-1].kind == "blockquote":
            self._close({})
        if self.open:
            last = self.open[-1]
            name = "PreCode" if last.language else NAMES[last.kind]
            raise ValueError(f"Can't find end of {name} entity at byte offset {position(self.text, last.begin)}")
        return self.visible.since(0), in_order(self.entities)

    def _literal(self, character: str, width: int) -> None:
        self.visible.add(character)
        self.at += width
        self.line_begins = False

    def _ends(self, inner: str) -> str:
        """Give the mark that ends the innermost entity here, if one does."""
        if inner == "italic":
            return "_" if self.peek() == "_" and self.peek(1) != "_" else ""
        if inner == "blockquote":
            mark = "||" if self.text.startswith("||", self.at) else ""
            after = self.at + len(mark)
            if after == len(self.text):
                return mark
            return (mark or "\n") if self.text[after] == "\n" and self.text[after + 1 : after + 2] != ">" else ""
        mark = MARKS.get(inner, "")
        return mark if mark and self.text.startswith(mark, self.at) else ""

    def _start(self, character: str) -> None:
        begin, kind, width = self.at, "", 1
        if character == "_":
            kind, width = ("underline", 2) if self.peek(1) == "_" else ("italic", 1)
        elif character == "`":
            kind, width = ("pre", 3) if self.text.startswith("```", self.at) else ("code", 1)
        elif character == ">" and self.line_begins and self._quoting():
            self.at += 1
            return
        else:
            kind, width = self._plain_start(character)
        self.at += width
        language = self._language() if kind == "pre" else ""
        self.open.append(Open(kind, language, self.visible.units, len(self.visible.pieces), begin))

    def _plain_start(self, character: str) -> tuple[str, int]:
        pair = self.text[self.at : self.at + 2]
        if character == ">" and self.line_begins:
            return "blockquote", 1
        if pair in {"||", "!["}:
            return {"||": "spoiler", "![": "custom_emoji"}[pair], 2
        kind = {"*": "bold", "~": "strikethrough", "[": "text_link"}.get(character)
        if kind is None:
            raise ValueError(f"Character '{character}' is reserved and must be escaped with the preceding '\\'")
        return kind, 1

    def _quoting(self) -> bool:
        return any(opened.kind == "blockquote" for opened in self.open)

    def _language(self) -> str:
        """Read the name of a language behind the opening of a block, and the line break after it."""
        end = self.at
        while end < len(self.text) and self.text[end] not in SPACE and self.text[end] != "`":
            end += 1
        language = ""
        if self.at < end < len(self.text) and self.text[end] != "`":
            language = self.text[self.at : end]
            self.at = end
        if self.peek() in "\r\n":
            both = self.text[self.at : self.at + 2] in {"\r\n", "\n\r"}
            self.at += 2 if both else 1
        return language

    def _end(self, mark: str) -> None:
        kind = self.open[-1].kind
        if kind == "blockquote":
            expandable = mark == "||"
            self.at += len(mark) if expandable else 0
            self._close({"type": "expandable_blockquote"} if expandable else {})
            return
        self.at += len(mark)
        if kind == "text_link":
            self._close(link(self._url() or self.visible.since(self.open[-1].piece)))
        elif kind == "custom_emoji":
            self._close({"custom_emoji_id": self._emoji()})
        else:
            self._close({})

    def _url(self) -> str:
        """Read `(url)` behind a text; nothing where there is none."""
        if self.peek() != "(":
            return ""
        self.at += 1
        begin, url = self.at, ""
        while self.at < len(self.text) and self.text[self.at] != ")":
            escaped = self.text[self.at] == "\\" and 0 < ord(self.peek(1)) <= LAST_ASCII
            url += self.peek(1) if escaped else self.text[self.at]
            self.at += 2 if escaped else 1
        if self.at >= len(self.text):
            raise ValueError(f"Can't find end of a URL at byte offset {position(self.text, begin)}")
        self.at += 1
        return url

    def _emoji(self) -> str:
        if self.peek() != "(":
            raise ValueError("Custom emoji entity must contain a tg://emoji URL")
        url = self._url()
        number = url.lower().removeprefix("tg://emoji?id=")
        if number == url.lower() or not number.isdigit():
            raise ValueError("Custom emoji URL must have an emoji identifier")
        return number

    def _close(self, more: Entity) -> None:
        opened = self.open.pop()
        length = self.visible.units - opened.offset
        if length:
            language = {"language": opened.language} if opened.language else {}
            self.entities.append({"type": opened.kind, "offset": opened.offset, "length": length, **language, **more})
