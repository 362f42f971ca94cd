"""Telegram's HTML: its few tags and entities, read as its server reads them.

Source: Bot API, "HTML style".
"""

import html
import re

from dispatcher.notifiers.telegram.markup import MOST_NESTED, BadMarkup, Element, Run, tag, well_formed

SPACE = " \t\r\n\v\0"
"""What is white space inside a tag."""

STYLES = frozenset({"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "tg-spoiler", "pre"})
"""Tags that need no attribute."""

ATTRIBUTES = {
    "a": ("href",),
    "code": ("class",),
    "span": ("class",),
    "blockquote": ("expandable",),
    "tg-emoji": ("emoji-id",),
    "tg-time": ("unix", "format"),
}
"""Those that mean something, by tag."""

NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
LONGEST_NUMBER = 9
"""Characters of a numeric entity, without its semicolon, at most."""

BEYOND_UNICODE = 0x10FFFF

_ENTITY = re.compile(r"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|([A-Za-z]+));?", re.ASCII)
_PLAIN = re.compile(r"[^<]+")
_NAME = re.compile(rf"[^{SPACE}>]*")
_ATTRIBUTE = re.compile(rf"[^{SPACE}>=]+")
_GAP = re.compile(rf"[{SPACE}]*")
_VALUE = re.compile(rf"\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9.\-]*)(?=[{SPACE}>])")

_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|tr|h[1-6])\s*>", re.IGNORECASE)
_ANY_TAG = re.compile(r"</?[A-Za-z][^<>]*>")


def read_html(source: str) -> list[Run]:
    """Read a text.

    Raises:
        BadMarkup: a tag is unknown, or not closed properly.

    """
    return _Reader(source).read()


def strip_tags(source: str) -> str:
    """Make plain text of HTML that nobody may be able to read properly."""
    text = _ANY_TAG.sub("", _BREAK.sub("\n", source))
    return well_formed(html.unescape(text)).strip()


def decode(text: str) -> str:
    """Resolve the entities that Telegram knows; what is none stays as it is."""
    return _ENTITY.sub(lambda found: _character(found) or found[0], text)


class _Reader:
    """One text on its way."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.opened: list[tuple[str, Element]] = []
        self.runs: list[Run] = []

    def read(self) -> list[Run]:
        while self.at < len(self.source):
            if self.source.startswith("</", self.at):
                self._end()
            elif self.source[self.at] == "<":
                self._start()
            else:
                self.runs.append(Run(decode(self._take(_PLAIN)), tuple(element for _, element in self.opened)))
        if self.opened:
            raise BadMarkup(f"the tag <{self.opened[-1][0]}> is not closed")
        return self.runs

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.source, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found[0]

    def _start(self) -> None:
        self.at += 1
        name = self._take(_NAME).lower()
        if name not in STYLES and name not in ATTRIBUTES:
            raise BadMarkup(f"{_shown(name)} is no tag of Telegram's")
        given: dict[str, str] = {}
        while True:
            self._take(_GAP)
            if self.at >= len(self.source):
                raise BadMarkup(f"the tag <{name}> has no end")
            if self.source[self.at] == ">":
                break
            self._attribute(name, given)
        self.at += 1
        if len(self.opened) == MOST_NESTED:
            raise BadMarkup(f"more than {MOST_NESTED} tags lie in each other")
        self.opened.append((name, _element(name, given)))

    def _attribute(self, name: str, given: dict[str, str]) -> None:
        key = self._take(_ATTRIBUTE)
        if not key:
            raise BadMarkup(f"the tag <{name}> has an attribute without a name")
        self._take(_GAP)
        if not self.source.startswith("=", self.at):
            if (name, key) != ("blockquote", "expandable"):
                raise BadMarkup(f"the tag <{name}> has an attribute without a value")
            given[key] = ""
            return
        self.at += 1
        self._take(_GAP)
        found = _VALUE.match(self.source, self.at)
        if found is None:
            raise BadMarkup(f"the tag <{name}> has an attribute whose value has no end")
        self.at = found.end()
        quoted = found[1] if found[1] is not None else found[2]
        given[key] = found[3].lower() if quoted is None else decode(quoted)

    def _end(self) -> None:
        self.at += 2
        name = self._take(_NAME).lower()
        self._take(_GAP)
        if not self.source.startswith(">", self.at):
            raise BadMarkup(f"the end tag {_shown('/' + name)} has no end")
        self.at += 1
        if not self.opened:
            raise BadMarkup(f"{_shown('/' + name)} ends what was not begun")
        begun, _ = self.opened.pop()
        if name and name != begun:
            raise BadMarkup(f"{_shown('/' + name)} stands where <{begun}> has to be closed first")


def _element(name: str, given: dict[str, str]) -> Element:
    """Make an element of what means something in a tag.

    Raises:
        BadMarkup: it lacks an attribute that it needs.

    """
    if name == "span" and given.get("class") != "tg-spoiler":
        raise BadMarkup('<span> needs class="tg-spoiler"')
    if name == "tg-emoji" and not given.get("emoji-id", "").isdigit():
        raise BadMarkup("<tg-emoji> needs the number of an emoji in emoji-id")
    if name == "tg-time" and not given.get("unix", "").isdigit():
        raise BadMarkup("<tg-time> needs a Unix time in unix")
    known = {key.replace("-", "_"): given.get(key) for key in ATTRIBUTES.get(name, ())}
    return tag(name, whole=name in {"a", "tg-emoji", "tg-time"}, **known)


def _character(found: re.Match[str]) -> str | None:
    """Give what an entity stands for; nothing where Telegram knows none."""
    hexadecimal, decimal, name = found.groups()
    if name:
        return NAMED.get(name)
    if len(found[0].rstrip(";")) > LONGEST_NUMBER:
        return None
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return well_formed(chr(code)) if 0 < code < BEYOND_UNICODE else None


def _shown(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9/_:\-]", "?", name)
    return f"<{plain[:30]}…>" if len(plain) > 30 else f"<{plain}>"  # noqa: PLR2004 - for the eye
