"""A readable text out of HTML, for a mail whose template has no text of its own.

inscriptis lays the text out, and `flowing` what needs no more than lines. Before, the tree is made simple: what a
reader would not see is taken out, tables that only lay out are no tables for a text, links show where they lead. Styles
are dropped, for they may ask for a million blank lines. The library takes up to 50 µs for each element, pads each line
of a table to its full width, and cannot be interrupted; so a table that would grow is taken apart, and what is enormous
only loses its tags.
"""

import re
from collections.abc import Iterator
from html import unescape

# Neither library has types.
import lxml.etree  # type: ignore[import-untyped]
from inscriptis.css_profiles import CSS_PROFILES  # type: ignore[import-untyped]
from inscriptis.html_engine import Inscriptis  # type: ignore[import-untyped]
from inscriptis.html_properties import Display, WhiteSpace  # type: ignore[import-untyped]
from inscriptis.model.config import ParserConfig  # type: ignore[import-untyped]
from inscriptis.model.html_element import DEFAULT_HTML_ELEMENT  # type: ignore[import-untyped]

from dispatcher.rendering.flowing import Flow, Style

_MOST_CHARACTERS = 1_000_000
_MOST_ELEMENTS = 5_000
_FEW_ELEMENTS = _MOST_ELEMENTS // 3
"""Not even with those that the parser adds can so many brackets make the most."""

_MOST_PADDED = 5_000_000
"""Characters times elements of what still has tables in it."""

_PARSER = lxml.etree.HTMLParser()
_WORDS = lxml.etree.XPath("string()", smart_strings=False)
_TAGS = re.compile(r"<[^<>]*>")
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*>")
_HIDDEN = re.compile(r"display\s*:\s*none")
_BLANK_LINES = re.compile(r"\n{3,}")
_INVISIBLE = "\u200b\u200c\u2060\ufeff\u00ad\u034f"
_LISTS = ("ul", "ol")
_TO_SIMPLIFY = {"a", "img", "table", *_LISTS}
_DEEPEST_LIST = 8
_LAYOUT = {"presentation", "none"}
_CELLS = {"td", "th"}
_LINKS = ("http:", "https:", "mailto:", "tel:")


def _styles() -> Iterator[tuple[str, Style]]:
    """Give the styles of the library, of what needs no more than lines."""
    for tag, style in {**dict.fromkeys(_INLINE, DEFAULT_HTML_ELEMENT), **CSS_PROFILES["strict"]}.items():
        if not style.prefix and not style.suffix and style.whitespace is not WhiteSpace.pre:
            block, hidden = style.display is Display.block, style.display is Display.none
            yield tag, Style(block, hidden, style.margin_before, style.margin_after, style.padding_inline)


_INLINE = ("html", "a", "b", "strong", "em", "i", "small", "span", "u", "br", "hr", "font", "code", "sub", "sup")
"""What the styles of the library say nothing about, and mails are full of."""

_CONFIG = ParserConfig(css=CSS_PROFILES["strict"])
_STYLES = dict(_styles())
_FLOWING = frozenset(_STYLES)


def plain_text(html: str) -> str:
    """Give what a person reads in the HTML: paragraphs, lists, tables, and where each link leads."""
    text = _laid_out(html) if len(html) <= _MOST_CHARACTERS else ""
    if not text.strip():
        bare = unescape(_TAGS.sub(" ", _without("script", _without("style", html))))
        text = "\n".join(line.lstrip() for line in bare.split("\n"))
    for char in _INVISIBLE:
        text = text.replace(char, "")
    lines = [line.rstrip() for line in text.replace("\xa0", " ").split("\n")]
    text = "\n".join(lines).strip("\n")
    return (_BLANK_LINES.sub("\n\n", text) if "\n\n\n" in text else text) + "\n"


def _laid_out(html: str) -> str:
    """Give nothing for what the library cannot do, or not soon."""
    try:
        tree = lxml.etree.fromstring(_DECLARATION.sub("", html), _PARSER)
        if html.count("<") > _FEW_ELEMENTS and sum(1 for _ in tree.iter()) > _MOST_ELEMENTS:
            return ""
        _simplify(tree)
        kept = list(tree.iter(lxml.etree.Element))  # or lxml makes each of them anew whenever it is looked at
        if _FLOWING.issuperset([element.tag for element in kept]):
            return Flow(_STYLES, lxml.etree.Comment).lay_out(tree)
        text: str = Inscriptis(tree, _CONFIG).get_text()
    except Exception:  # noqa: BLE001 - a mail whose text is not pretty is better than none
        return ""
    return text


def _simplify(tree: lxml.etree._Element) -> None:
    """Make the tree simple. The root stays, hidden or not: nothing at all is what nobody can have meant."""
    for element in list(tree.iter(lxml.etree.Element)):
        attributes = element.attrib
        if attributes:
            hidden = _HIDDEN.search(attributes.get("style", "")) or "hidden" in attributes
            if hidden and element is not tree:
                _drop(element)
                continue
        if element.tag in _TO_SIMPLIFY:
            _simplify_one(element)
        if attributes:
            attributes.clear()
    tables = list(tree.iter("table"))
    if tables and len(_WORDS(tree)) * sum(1 for _ in tree.iter()) > _MOST_PADDED:
        for table in tables:
            _lay_flat(table)


def _drop(element: lxml.etree._Element) -> None:
    """Take an element out; the text behind it stays."""
    parent, before = element.getparent(), element.getprevious()
    if element.tail and before is None:
        parent.text = (parent.text or "") + element.tail
    elif element.tail:
        before.tail = (before.tail or "") + element.tail
    parent.remove(element)


def _simplify_one(element: lxml.etree._Element) -> None:
    if element.tag == "a":
        _show_link(element)
    elif element.tag == "img":
        element.tag, element.text = "span", element.get("alt")
    elif element.tag == "table" and element.get("role") in _LAYOUT:
        _lay_flat(element)
    elif element.tag in _LISTS and sum(1 for _ in element.iterancestors(*_LISTS)) >= _DEEPEST_LIST:
        element.tag = "div"


def _show_link(link: lxml.etree._Element) -> None:
    """Write the address behind the words, unless the words are the address."""
    target = link.get("href", "")
    words = _WORDS(link)
    if not target.startswith(_LINKS) or target.partition(":")[2].strip("/") in words:
        return
    shown = f" ({target.removeprefix('mailto:').removeprefix('tel:')})"
    if len(link):
        link[-1].tail = (link[-1].tail or "").rstrip() + shown
    else:
        link.text = (link.text or "").rstrip() + shown


def _lay_flat(table: lxml.etree._Element) -> None:
    """Make the rows and cells of a table into blocks; tables inside it are looked at by themselves."""
    for element in table.iter("tbody", "thead", "tfoot", "tr", "td", "th"):
        if next(element.iterancestors("table"), None) is table:
            element.tag = "p" if element.tag in _CELLS else "div"
    table.tag = "div"


def _without(tag: str, html: str) -> str:
    """Take out an element with what is in it; by hand, as a pattern would search to the end again and again."""
    kept, end = [], 0
    while (start := html.find(f"<{tag}", end)) >= 0 and (closed := html.find(f"</{tag}>", start)) >= 0:
        kept.append(html[end:start])
        end = closed
    return "".join([*kept, html[end:]])
