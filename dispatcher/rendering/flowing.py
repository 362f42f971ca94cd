"""A text out of HTML without tables: paragraphs, headings, lists, lines. What most mails are made of, and nothing else.

It gives to the letter what inscriptis gives, in a quarter of the time: a test holds one against the other. Whatever has
a tag that is not named here is left to that library.
"""

from collections.abc import Mapping
from html import unescape
from typing import Any, NamedTuple

_BULLETS = ("* ", "+ ", "o ", "- ")
_LISTS = {"ul", "ol"}
_STARTING = {"li", "br", *_LISTS}


class Style(NamedTuple):
    """What becomes of an element.

    Attributes:
        block: whether it has lines of its own.
        hidden: whether nothing of it is shown.
        before: how many blank lines stand before it, at least.
        after: how many stand behind it.
        padding: how many spaces its lines begin with.

    """

    block: bool
    hidden: bool
    before: int
    after: int
    padding: int


class Flow:
    """Lines that come one after the other.

    Args:
        styles: by tag; whatever has another tag must not be given.
        comment: what stands for a tag where a comment is.

    """

    def __init__(self, styles: Mapping[str, Style], comment: object) -> None:
        self._styles = styles
        self._comment = comment
        self._lines: list[str] = []
        self._blank = 1000  # blank lines that stand behind the last line; before the first one none is wanted
        self._line = ""
        self._after_space = True  # whether a space would be one too many
        self._begun = False  # whether the line has its spaces and its bullet
        self._padding = 0
        self._paddings: list[int] = []
        self._bullets: list[str] = []  # those of the open blocks, until they are written
        self._counters: list[int | str] = []  # of the open lists: the next number, or what marks each item

    def lay_out(self, tree: Any) -> str:
        """Give the text of a tree of lxml, in which no element has an attribute."""
        self._element(tree, hidden=False, margin=0)
        self._end_line()
        return "\n".join(self._lines)

    def _element(self, element: Any, *, hidden: bool, margin: int) -> None:
        """Lay out an element and what is in it.

        Args:
            element: it.
            hidden: whether what is around it is.
            margin: how many blank lines stand behind what is around it, if that is a block.

        """
        tag = element.tag
        style = self._styles[tag]
        block = style.block and not hidden
        hidden = hidden or style.hidden
        bullet = self._start(tag) if tag in _STARTING else ""
        if block:
            self._begin_block(bullet, style.padding, max(style.before, margin))
        self._content(element, hidden=hidden, margin=style.after if block else 0)
        if tag in _LISTS:
            self._counters.pop()
        if block:
            self._end_block(bullet, style.after)

    def _content(self, element: Any, *, hidden: bool, margin: int) -> None:
        if not hidden:
            self._write(element.text)
        for child in element:
            if isinstance(child.tag, str):
                self._element(child, hidden=hidden, margin=margin)
                if not hidden:
                    self._write(child.tail)
            elif child.tag is self._comment:
                self._write(child.tail)

    def _start(self, tag: str) -> str:
        """Do what the tag asks for; give the bullet of an item."""
        if tag == "li":
            return self._next_bullet()
        if tag == "br":
            self._break_line()
        else:
            self._counters.append(_BULLETS[len(self._counters) % len(_BULLETS)] if tag == "ul" else 1)
        return ""

    def _next_bullet(self) -> str:
        if not self._counters:
            return _BULLETS[0]
        mark = self._counters[-1]
        if isinstance(mark, str):
            return mark
        self._counters[-1] = mark + 1
        return f"{mark}. "

    def _begin_block(self, bullet: str, padding: int, blank: int) -> None:
        if not self._end_line() and bullet:
            self._write_bullet()
        self._padding += padding
        self._paddings.append(padding)
        self._bullets.append(bullet)
        self._leave_blank(blank)

    def _end_block(self, bullet: str, blank: int) -> None:
        if not self._end_line() and bullet:
            self._write_bullet()
        self._padding -= self._paddings.pop()
        self._bullets.pop()
        self._leave_blank(blank)

    def _leave_blank(self, lines: int) -> None:
        if lines > self._blank:
            self._lines.append("\n" * (lines - self._blank - 1))
            self._blank = lines

    def _write(self, text: str | None) -> None:
        """Add a text to the line; space between words, and at its ends, becomes one space, or none after another."""
        if not text:
            return
        words = text.split()
        if words:
            added = " ".join(words)
            if not self._after_space and text[0].isspace():
                added = f" {added}"
            self._after_space = text[-1].isspace()
            if self._after_space:
                added += " "
        elif self._after_space:
            return
        else:
            added = " "
            self._after_space = True
        self._line += unescape(added if self._line else self._beginning() + added)

    def _beginning(self) -> str:
        """Give what a line begins with, once."""
        if self._begun:
            return ""
        self._begun = True
        bullet = self._take_bullet()
        return " " * (self._padding - len(bullet)) + bullet

    def _take_bullet(self) -> str:
        for at in range(len(self._bullets) - 1, -1, -1):
            bullet = self._bullets[at]
            if bullet:
                self._bullets[at] = ""
                return bullet
        return ""

    def _write_bullet(self) -> None:
        """Write the bullet of an item in which nothing was written."""
        bullet = "" if self._begun else self._take_bullet()
        if bullet:
            self._lines.append(" " * (self._padding - self._paddings[-1] - len(bullet)) + bullet)
            self._begin_line()
            self._blank = 0

    def _break_line(self) -> None:
        if not self._end_line():
            self._lines.append("")
            self._begin_line()

    def _end_line(self) -> bool:
        """Write the line down, unless nothing stands in it; tell which."""
        if self._after_space and self._line.endswith(" "):
            self._line = self._line[:-1]
        if not self._line:
            return False
        self._lines.append(self._line)
        self._begin_line()
        self._blank = 0
        return True

    def _begin_line(self) -> None:
        self._line = ""
        self._after_space = True
        self._begun = False
