r"""Telegram's MarkdownV2, read as its server reads it: what is reserved and not escaped is an error.

Source: Bot API, "MarkdownV2 style".
"""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from dispatcher.notifiers.telegram.markup import MOST_NESTED, BadMarkup, Element, Run, tag, visible

_ESCAPED = re.compile(r"\\([\x01-\x7e])", re.DOTALL)
_PLAIN = re.compile(r"(?:[^\\_*\[\]()~`>#+\-=|{}.!\n]++|\\[\x01-\x7e]?)++", re.DOTALL)
_PLAIN_CODE = re.compile(r"(?:[^\\`]++|\\[\x01-\x7e]?)++", re.DOTALL)
_LANGUAGE = re.compile(r"[^ \t\r\n\v\0`]++(?=[^`])")
_FIRST_BREAK = re.compile(r"\r\n|\n\r|\r|\n")
_URL = re.compile(r"\(((?:\\[\x01-\x7e]|[^)\\]|\\(?![\x01-\x7e]))*)\)", re.DOTALL)

MARKS = {"```": "pre", "`": "code", "__": "u", "_": "i", "*": "b", "~": "s", "||": "tg-spoiler", "[": "a", "![": "tg"}
"""What begins an element; of those that begin alike the longest comes first."""

ENDS = {"pre": "```", "code": "`", "u": "__", "i": "_", "b": "*", "s": "~", "tg-spoiler": "||", "a": "]", "tg": "]"}


def read_markdown(source: str) -> list[Run]:
    """Read a text.

    Raises:
        BadMarkup: something reserved is not escaped, or not closed.

    """
    return _Reader(source).read()


def strip_marks(source: str) -> str:
    """Make plain text of what nobody may be able to read properly: only what is escaped is certain."""
    return unescape(source).strip()


def unescape(text: str) -> str:
    """Take the backslashes away that make what follows an ordinary character."""
    return _ESCAPED.sub(r"\1", text)


@dataclass
class _Open:
    """An element that waits for its end."""

    kind: str
    element: Element
    runs: list[Run] = field(default_factory=list)


class _Reader:
    """One text on its way."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.opened: list[_Open] = []
        self.runs: list[Run] = []
        self.line_begins = True

    def read(self) -> list[Run]:
        while self.at < len(self.source):
            self._step()
        if self._inner == "blockquote":
            self.opened.pop()
        if self.opened:
            raise BadMarkup(f"an element that begins with {_mark_of(self._inner)} is not closed")
        return self.runs

    @property
    def _inner(self) -> str:
        return self.opened[-1].kind if self.opened else ""

    def _step(self) -> None:
        in_code = self._inner in {"pre", "code"}
        if plain := (_PLAIN_CODE if in_code else _PLAIN).match(self.source, self.at):
            self._add(unescape(plain[0]), plain.end())
        elif self._ends_quote() or self._ends():
            return
        elif self.source[self.at] == "\n":
            self._add("\n", self.at + 1)
            self.line_begins = True
        elif self.source[self.at] == ">" and self.line_begins:
            self._quote()
        else:
            self._begin()

    def _add(self, text: str, end: int) -> None:
        run = Run(text, tuple(opened.element for opened in self.opened))
        self.runs.append(run)
        for opened in self.opened:
            opened.runs.append(run)
        self.at = end
        self.line_begins = False

    def _quote(self) -> None:
        """Begin a quotation, or go on with one in its next line."""
        self.at += 1
        if not any(opened.kind == "blockquote" for opened in self.opened):
            self.opened.append(_Open("blockquote", tag("blockquote")))

    def _ends_quote(self) -> bool:
        """End a quotation at the end of its last line, where `||` means that it can be folded."""
        if self._inner != "blockquote":
            return False
        mark = "||" if self.source.startswith("||", self.at) else ""
        after = self.at + len(mark)
        ends = after == len(self.source) or (self.source[after] == "\n" and not self.source.startswith(">", after + 1))
        if ends:
            quotation = self.opened.pop()
            if mark:
                quotation.element.opening = "<blockquote expandable>"
            self.at = after
        return ends

    def _ends(self) -> bool:
        kind = self._inner
        mark = ENDS.get(kind)
        if mark is None or not self.source.startswith(mark, self.at):
            return False
        if kind == "i" and self.source.startswith("__", self.at):
            return False  # two of them are always one mark
        self.at += len(mark)
        closed = self.opened.pop()
        if kind in {"a", "tg"}:
            self._address(closed)
        return True

    def _begin(self) -> None:
        mark = next((mark for mark in MARKS if self.source.startswith(mark, self.at)), None)
        if mark is None:
            raise BadMarkup(f"{self.source[self.at]} is reserved and must be escaped with a backslash")
        self.at += len(mark)
        kind = MARKS[mark]
        if len(self.opened) == MOST_NESTED:
            raise BadMarkup(f"more than {MOST_NESTED} elements lie in each other")
        self.opened.append(_Open(kind, self._pre() if kind == "pre" else tag(kind, whole=kind in {"a", "tg"})))

    def _pre(self) -> Element:
        language = _LANGUAGE.match(self.source, self.at)
        element = tag("pre")
        if language:
            self.at = language.end()
            code = tag("code", class_=f"language-{language[0]}")
            element = Element(element.opening + code.opening, code.closing + element.closing)
        if found := _FIRST_BREAK.match(self.source, self.at):
            self.at = found.end()
        return element

    def _address(self, closed: _Open) -> None:
        """Read what stands in round brackets behind square ones."""
        if not self.source.startswith("(", self.at):
            address = visible(closed.runs)
            if closed.kind == "tg":
                raise BadMarkup("![ ] needs an address like (tg://emoji?id=…)")
        elif found := _URL.match(self.source, self.at):
            address = unescape(found[1])
            self.at = found.end()
        else:
            raise BadMarkup("an address in round brackets is not closed")
        meant = tag("a", href=address) if closed.kind == "a" else _special(address)
        closed.element.opening, closed.element.closing = meant.opening, meant.closing


def _special(address: str) -> Element:
    """Give the element that an address behind `![ ]` means.

    Raises:
        BadMarkup: it means none.

    """
    try:
        parts = urlsplit(address)
        fields = {key: values[0] for key, values in parse_qs(parts.query).items()}
    except ValueError:
        raise BadMarkup("![ ] needs an address like (tg://emoji?id=…)") from None
    what = (parts.scheme.lower(), parts.netloc.lower())
    if what == ("tg", "emoji") and fields.get("id", "").isdigit():
        return tag("tg-emoji", emoji_id=fields["id"])
    if what == ("tg", "time") and fields.get("unix", "").isdigit():
        return tag("tg-time", unix=fields["unix"], format=fields.get("format"))
    raise BadMarkup("![ ] needs an address like (tg://emoji?id=…)")


def _mark_of(kind: str) -> str:
    return ">" if kind == "blockquote" else next(mark for mark, begun in MARKS.items() if begun == kind)
