"""Telegram's `HTML`, read as its server does: a few tags, four named entities, and an error for any other tag."""

from __future__ import annotations

from typing import NamedTuple

from helpers.inboxes.telegram_entities import SPACE, Entity, Reading, in_order, link, position

TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
LONGEST_NUMBER = 10
TOO_LARGE = 0x10FFFF


class Open(NamedTuple):
    """A tag that waits for its end."""

    tag: str
    argument: str
    offset: int
    piece: int


def parse_html(text: str) -> tuple[str, list[Entity]]:
    """Give the visible text and its entities; raise `ValueError` with Telegram's words where it refuses the text."""
    return Html(text).parse()


class Html(Reading[Open]):
    """One text on its way to be read."""

    def parse(self) -> tuple[str, list[Entity]]:
        """Read it all."""
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "&":
                self.visible.add(self._character())
            elif character != "<":
                self.visible.add(character)
                self.at += 1
            elif self.peek(1) == "/":
                self._end()
            else:
                self._start()
        if self.open:
            raise ValueError(f'Can\'t find end tag corresponding to start tag "{self.open[-1].tag}"')
        for entity in self.entities:
            if entity["type"] == "code":
                entity.pop("language", None)  # only a block has one
        return self.visible.since(0), in_order(self.entities)

    def _character(self) -> str:
        """Read `&…`: what is no known entity stands for itself, and the semicolon may be missing."""
        end = self.at + 1
        if self.peek(1) == "#":
            base = 16 if self.peek(2) == "x" else 10
            first = end = self.at + (3 if base == 16 else 2)  # noqa: PLR2004 - hexadecimal
            digits = "0123456789abcdefABCDEF" if base == 16 else "0123456789"  # noqa: PLR2004
            while end < len(self.text) and self.text[end] in digits:
                end += 1
            code = int(self.text[first:end] or "0", base) if end - self.at < LONGEST_NUMBER else 0
            found = chr(code) if 0 < code < TOO_LARGE else None
        else:
            while end < len(self.text) and self.text[end].isascii() and self.text[end].isalpha():
                end += 1
            found = NAMED.get(self.text[self.at + 1 : end])
        if found is None:
            self.at += 1
            return "&"
        self.at = end + (self.text[end : end + 1] == ";")
        return found

    def _start(self) -> None:
        begin = self.at
        self.at += 1
        tag = self._word(">").lower()
        if self.at >= len(self.text):
            raise self._unclosed(begin)
        if tag not in TYPES:
            raise ValueError(f'Unsupported start tag "{tag}" at byte offset {position(self.text, begin)}')
        argument = ""
        while True:
            self._skip_space()
            if self.at >= len(self.text):
                raise self._unclosed(begin)
            if self.text[self.at] == ">":
                break
            argument = self._attribute(tag, begin) or argument
        if tag == "span" and argument != "spoiler":
            raise ValueError(f'Tag "span" must have class "tg-spoiler" at byte offset {position(self.text, begin)}')
        if tag == "tg-emoji" and not argument.isdigit():
            raise ValueError(f"Invalid custom emoji identifier specified at byte offset {position(self.text, begin)}")
        self.at += 1
        self.open.append(Open(tag, argument, self.visible.units, len(self.visible.pieces)))

    def _attribute(self, tag: str, begin: int) -> str:
        """Read an attribute; give what the tag makes of it."""
        name = self._word("=>")
        if not name:
            where = position(self.text, begin)
            raise ValueError(f'Empty attribute name in the tag "{tag}" at byte offset {where}')
        self._skip_space()
        if self.peek() != "=":
            if (tag, name) == ("blockquote", "expandable"):
                return "expandable"
            where = position(self.text, begin)
            raise ValueError(
                f'Expected equal sign in declaration of an attribute of the tag "{tag}" at byte offset {where}'
            )
        self.at += 1
        self._skip_space()
        value = self._value(begin)
        if (tag, name) == ("code", "class"):
            return value.removeprefix("language-") if value.startswith("language-") else ""
        if (tag, name) == ("span", "class"):
            return value.removeprefix("tg-") if value.startswith("tg-") else ""
        if (tag, name) == ("blockquote", "expandable"):
            return "expandable"
        return value if (tag, name) in {("a", "href"), ("tg-emoji", "emoji-id")} else ""

    def _value(self, begin: int) -> str:
        quote = self.peek()
        if quote not in {'"', "'"}:
            first = self.at
            while self.peek().isascii() and (self.peek().isalnum() or self.peek() in ".-"):
                self.at += 1
            if self.at < len(self.text) and self.peek() not in f"{SPACE}>":
                raise ValueError(f"Unexpected end of name token at byte offset {position(self.text, first)}")
            return self.text[first : self.at].lower()
        self.at += 1
        value = ""
        while self.at < len(self.text) and self.text[self.at] != quote:
            if self.text[self.at] == "&":
                value += self._character()
            else:
                value += self.text[self.at]
                self.at += 1
        if self.at >= len(self.text):
            raise self._unclosed(begin)
        self.at += 1
        return value

    def _end(self) -> None:
        begin = self.at
        where = position(self.text, begin)
        if not self.open:
            raise ValueError(f"Unexpected end tag at byte offset {where}")
        self.at += 2
        found = self._word(">").lower()
        self._skip_space()
        if self.peek() != ">":
            raise ValueError(f"Unclosed end tag at byte offset {where}")
        self.at += 1
        opened = self.open.pop()
        if found and found != opened.tag:
            raise ValueError(
                f'Unmatched end tag at byte offset {where}, expected "</{opened.tag}>", found "</{found}>"'
            )
        if self.visible.units > opened.offset:
            self._keep(opened)

    def _keep(self, opened: Open) -> None:
        """Make an entity; `pre` around exactly one `code`, or the other way round, is one `pre` with a language."""
        place = {"offset": opened.offset, "length": self.visible.units - opened.offset}
        kind, argument = TYPES[opened.tag], opened.argument
        entity: Entity = {"type": kind, **place}
        last = self.entities[-1] if self.entities else {}
        same = {"offset": last.get("offset"), "length": last.get("length")} == place
        if kind == "pre" and same and last["type"] == "code" and "language" in last:
            entity["language"] = self.entities.pop()["language"]
        elif kind == "code" and same and last["type"] == "pre" and argument:
            last["language"] = argument
            return
        elif kind == "code" and argument:
            entity["language"] = argument
        elif kind == "text_link":
            entity = {**place, **link(argument or self.visible.since(opened.piece))}
        elif kind == "custom_emoji":
            entity["custom_emoji_id"] = argument
        elif argument == "expandable":
            entity["type"] = "expandable_blockquote"
        self.entities.append(entity)

    def _word(self, ends: str) -> str:
        first = self.at
        while self.at < len(self.text) and self.text[self.at] not in SPACE and self.text[self.at] not in ends:
            self.at += 1
        return self.text[first : self.at]

    def _skip_space(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in SPACE:
            self.at += 1

    def _unclosed(self, begin: int) -> ValueError:
        return ValueError(f"Unclosed start tag at byte offset {position(self.text, begin)}")
