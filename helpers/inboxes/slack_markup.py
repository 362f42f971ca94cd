"""Slack's `mrkdwn`, read by Slack's rules: what a person will see of a text, and what in it is more than text.

Written from Slack's documentation and its known behaviour, without a look at how anybody escapes: whoever escapes can
be checked against it. Where Slack's behaviour is not written down, more is taken for markup rather than less.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

Span = dict[str, Any]
"""`{"type", "offset", "length"}` in characters of the visible text, and `url` of a link, `target` of a mention. Types:
bold, italic, strike, code, preformatted, quote, link, mention, emoji."""

JOINER = "\u2060"
"""Next to it nothing is at the border of a word."""
STYLES = {"*": "bold", "_": "italic", "~": "strike", "`": "code"}
NAMED = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
EMOJI = re.compile(r":(?=[^:\s]*[a-z]|[+-]1:|100:|1234:)[a-z0-9_+'-]+:(?::skin-tone-[2-6]:)?")
BRACKETS = re.compile(r"<([^<>\n]+)>")
QUOTE = re.compile(r"(?:>|&gt;)( ?)")
LONG_QUOTE = re.compile(r"(?:>|&gt;){3}( ?)")


class Style(NamedTuple):
    """A style that was opened, and where it will be closed."""

    kind: str
    closes: int
    begin: int


def parse_mrkdwn(text: str) -> tuple[str, list[Span]]:
    """Give the visible text and what in it is more than text."""
    return Mrkdwn(text).parse()


class Mrkdwn:
    """One text on its way to be read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.visible = ""
        self.spans: list[Span] = []
        self.open: list[Style] = []
        self.quote: int | None = None
        self.quote_lasts = False
        self.none_before: dict[str, int] = {}  # so that a text of nothing but marks is not searched again and again

    def parse(self) -> tuple[str, list[Span]]:
        """Read it all."""
        while self.at < len(self.text):
            if self.at == 0 or self.text[self.at - 1] == "\n":
                self._line_begins()
            if self.at < len(self.text) and not (self._close() or self._block() or self._style() or self._brackets()):
                self._character()
        self._end_quote()
        return self.visible, sorted(self.spans, key=lambda span: (span["offset"], -span["length"]))

    def _line_begins(self) -> None:
        if self.quote_lasts:
            return
        long = LONG_QUOTE.match(self.text, self.at)
        match = long or QUOTE.match(self.text, self.at)
        if match:
            self.quote = len(self.visible)
            self.quote_lasts = bool(long)
            self.at = match.end()

    def _end_quote(self) -> None:
        if self.quote is not None:
            self._span("quote", self.quote)
            self.quote = None

    def _span(self, kind: str, begin: int, **more: str) -> None:
        if len(self.visible) > begin:
            self.spans.append({"type": kind, "offset": begin, "length": len(self.visible) - begin, **more})

    def _close(self) -> bool:
        """End the innermost style, where it was found to end here."""
        if self.open and self.open[-1].closes == self.at:
            style = self.open.pop()
            self._span(style.kind, style.begin)
            self.at += 1
            return True
        return False

    def _block(self) -> bool:
        """Read a block of code, which ends at the next three marks, wherever these are."""
        end = self.text.find("```", self.at + 3) if self.text.startswith("```", self.at) else -1
        if end < self.at + 4:
            return False
        begin = len(self.visible)
        self._code(self.at + 3, end)
        self._span("preformatted", begin)
        self.at = end + 3
        return True

    def _style(self) -> bool:
        """Begin a style, where its mark may begin one and another one on the same line may end it."""
        kind = STYLES.get(self.text[self.at])
        if kind is None or not self._opens(self.at):
            return False
        closes = self._closing()
        if closes is None:
            return False
        begin = len(self.visible)
        if kind == "code":
            self._code(self.at + 1, closes)
            self._span("code", begin)
            self.at = closes + 1
        else:
            self.open.append(Style(kind, closes, begin))
            self.at += 1
        return True

    def _opens(self, at: int) -> bool:
        after = self.text[at + 1 : at + 2]
        return not _is_word(self.text[at - 1 : at] if at else "") and bool(after) and not after.isspace()

    def _closing(self) -> int | None:
        mark = self.text[self.at]
        limit = self.open[-1].closes if self.open else len(self.text)
        line_ends = self.text.find("\n", self.at)
        limit = min(limit, line_ends) if line_ends >= 0 else limit
        if self.none_before.get(mark, 0) >= limit:
            return None
        for at in range(self.at + 2, limit):
            before, after = self.text[at - 1], self.text[at + 1 : at + 2]
            if self.text[at] == mark and not before.isspace() and not _is_word(after):
                return at if self.text[self.at + 1 : at].strip(mark) else None
        self.none_before[mark] = limit
        return None

    def _code(self, begin: int, end: int) -> None:
        """Read what stands in code: styles mean nothing there, brackets and escapes do."""
        self.at = begin
        while self.at < end:
            if not self._brackets(end):
                self._character(in_code=True)

    def _brackets(self, end: int | None = None) -> bool:
        """Read `<…>`: a link, a mention, or something that Slack puts there by itself."""
        match = BRACKETS.match(self.text, self.at)
        if match is None or (end is not None and match.end() > end):
            return False
        inner, begin = match[1], len(self.visible)
        target, _, label = inner.partition("|")
        self.at = match.end()
        if inner[0] in "!@#":
            self.visible += _unescaped(label) or f"@{target[1:]}"
            self._span("mention", begin, target=target)
        else:
            self.visible += _unescaped(label or target)
            self._span("link", begin, url=_unescaped(target))
        return True

    def _character(self, *, in_code: bool = False) -> None:
        emoji = None if in_code else EMOJI.match(self.text, self.at)
        escaped = next((name for name in NAMED if self.text.startswith(name, self.at)), None)
        begin = len(self.visible)
        if emoji:
            self.visible += emoji[0]
            self._span("emoji", begin)
            self.at = emoji.end()
        elif escaped:
            self.visible += NAMED[escaped]
            self.at += len(escaped)
        else:
            if self.text[self.at] == "\n" and not self.quote_lasts:
                self._end_quote()
            self.visible += self.text[self.at]
            self.at += 1


def _is_word(character: str) -> bool:
    return character == JOINER or character.isalnum()


def _unescaped(text: str) -> str:
    return re.sub("&(?:lt|gt|amp);", lambda match: NAMED[match[0]], text)
