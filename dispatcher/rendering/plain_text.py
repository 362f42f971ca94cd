"""A readable text out of HTML, for a mail whose template has no text of its own.

inscriptis lays the text out; before, the tree is made simple: what a reader would not see is taken out, tables that
only lay out are no tables for a text, links show where they lead. Styles are dropped, for they may ask for a million
blank lines. The library takes up to 50 µs for each element, pads each line of a table to its full width, and cannot be
interrupted; so a table that would grow is taken apart, and what is enormous only loses its tags.
"""

import re
from html import unescape

# Neither library has types.
import lxml.etree  # type: ignore[import-untyped]
import lxml.html  # type: ignore[import-untyped]
from inscriptis.css_profiles import CSS_PROFILES  # type: ignore[import-untyped]
from inscriptis.html_engine import Inscriptis  # type: ignore[import-untyped]
from inscriptis.model.canvas.block import Block  # type: ignore[import-untyped]
from inscriptis.model.config import ParserConfig  # type: ignore[import-untyped]
from inscriptis.model.html_document_state import HtmlDocumentState  # type: ignore[import-untyped]
from inscriptis.model.html_element import DEFAULT_HTML_ELEMENT, HtmlElement  # type: ignore[import-untyped]
from inscriptis.model.tag import CustomHtmlTagHandlerMapping  # type: ignore[import-untyped]
from inscriptis.model.tag.table_tag import table_start_handler, td_start_handler  # type: ignore[import-untyped]

_MOST_CHARACTERS = 1_000_000
_MOST_ELEMENTS = 5_000
_FEW_ELEMENTS = _MOST_ELEMENTS // 3
"""Not even with those that the parser adds can so many brackets make the most."""

_MOST_PADDED = 5_000_000
"""Characters times elements of what still has tables in it."""

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


class _Line(Block):  # type: ignore[misc]
    """A line of the library that takes a text word by word, where the library's own takes each letter by itself."""

    collapsable_whitespace: bool

    def merge_normal_text(self, text: str) -> None:
        """Add a text; space between words, and at its ends, becomes one space, or none after another."""
        words = text.split()
        if not words:
            if not text or self.collapsable_whitespace:
                return
            added = " "
        else:
            added = " ".join(words)
            if text[0].isspace() and not self.collapsable_whitespace:
                added = f" {added}"
            if text[-1].isspace():
                added += " "
        self.collapsable_whitespace = added[-1] == " "
        added = unescape(added if self._content else self.prefix.first + added)
        self._content += added
        self.idx += len(added)

    def new_block(self) -> "_Line":
        """Give the next line."""
        self.prefix.consumed = False
        return _Line(self.idx + 1, self.prefix)


class _Element(HtmlElement):  # type: ignore[misc]
    """An element of the library; it makes a copy for each that stands in the HTML."""

    __slots__ = ()

    def __copy__(self) -> "_Element":
        copy = _Element.__new__(_Element)
        copy.canvas = self.canvas
        copy.tag = self.tag
        copy.prefix = self.prefix
        copy.suffix = self.suffix
        copy.display = self.display
        copy.margin_before = self.margin_before
        copy.margin_after = self.margin_after
        copy.padding_inline = self.padding_inline
        copy.list_bullet = self.list_bullet
        copy.whitespace = self.whitespace
        copy.limit_whitespace_affixes = self.limit_whitespace_affixes
        copy.align = self.align
        copy.valign = self.valign
        copy.previous_margin_after = self.previous_margin_after
        copy.annotation = self.annotation
        return copy


def _quicken(state: HtmlDocumentState) -> None:
    """Let a canvas that has just been made have lines of ours."""
    canvas = state.tags[-1].canvas
    line = canvas.current_block
    if not isinstance(line, _Line) and line.is_empty():
        canvas.current_block = _Line(line.idx, line.prefix)


def _begin(state: HtmlDocumentState, _: object) -> None:
    _quicken(state)


def _begin_table(state: HtmlDocumentState, attributes: object) -> None:
    table_start_handler(state, attributes)
    _quicken(state)


def _begin_cell(state: HtmlDocumentState, attributes: object) -> None:
    td_start_handler(state, attributes)
    _quicken(state)


def _element(like: HtmlElement) -> _Element:
    return _Element.__copy__(like)


_INLINE = (
    "html",
    "a",
    "b",
    "strong",
    "em",
    "i",
    "small",
    "span",
    "u",
    "br",
    "table",
    "tbody",
    "thead",
    "tr",
    "td",
    "th",
)
"""What the styles of the library say nothing about, and mails are full of."""

_CONFIG = ParserConfig(
    css={
        **dict.fromkeys(_INLINE, _element(DEFAULT_HTML_ELEMENT)),
        **{tag: _element(style) for tag, style in CSS_PROFILES["strict"].items()},
    },
    custom_html_tag_handler_mapping=CustomHtmlTagHandlerMapping(
        {"html": _begin, "table": _begin_table, "td": _begin_cell, "th": _begin_cell}, {}
    ),
)


def plain_text(html: str) -> str:
    """Give what a person reads in the HTML: paragraphs, lists, tables, and where each link leads."""
    text = _laid_out(html) if len(html) <= _MOST_CHARACTERS else ""
    if not text.strip():
        bare = unescape(_TAGS.sub(" ", _without("script", _without("style", html))))
        text = "\n".join(line.lstrip() for line in bare.split("\n"))
    for char in _INVISIBLE:
        text = text.replace(char, "")
    lines = [line.rstrip() for line in text.replace("\xa0", " ").split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n") + "\n"


def _laid_out(html: str) -> str:
    """Give nothing for what the library cannot do, or not soon."""
    try:
        tree = lxml.html.document_fromstring(_DECLARATION.sub("", html))
        if html.count("<") > _FEW_ELEMENTS and sum(1 for _ in tree.iter()) > _MOST_ELEMENTS:
            return ""
        _simplify(tree)
        text: str = Inscriptis(tree, _CONFIG).get_text()
    except Exception:  # noqa: BLE001 - a mail whose text is not pretty is better than none
        return ""
    return text


def _simplify(tree: lxml.html.HtmlElement) -> None:
    """Make the tree simple. The root stays, hidden or not: nothing at all is what nobody can have meant."""
    for element in list(tree.iter(lxml.etree.Element)):
        attributes = element.attrib
        if attributes:
            hidden = _HIDDEN.search(attributes.get("style", "")) or "hidden" in attributes
            if hidden and element is not tree:
                element.drop_tree()
                continue
        if element.tag in _TO_SIMPLIFY:
            _simplify_one(element)
        if attributes:
            attributes.clear()
    tables = list(tree.iter("table"))
    if tables and len(tree.text_content()) * sum(1 for _ in tree.iter()) > _MOST_PADDED:
        for table in tables:
            _lay_flat(table)


def _simplify_one(element: lxml.html.HtmlElement) -> None:
    if element.tag == "a":
        _show_link(element)
    elif element.tag == "img":
        element.tag, element.text = "span", element.get("alt")
    elif element.tag == "table" and element.get("role") in _LAYOUT:
        _lay_flat(element)
    elif element.tag in _LISTS and sum(1 for _ in element.iterancestors(*_LISTS)) >= _DEEPEST_LIST:
        element.tag = "div"


def _show_link(link: lxml.html.HtmlElement) -> None:
    """Write the address behind the words, unless the words are the address."""
    target = link.get("href", "")
    words = link.text_content()
    if not target.startswith(_LINKS) or target.partition(":")[2].strip("/") in words:
        return
    shown = f" ({target.removeprefix('mailto:').removeprefix('tel:')})"
    if len(link):
        link[-1].tail = (link[-1].tail or "").rstrip() + shown
    else:
        link.text = (link.text or "").rstrip() + shown


def _lay_flat(table: lxml.html.HtmlElement) -> None:
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
