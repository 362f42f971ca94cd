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
from inscriptis.model.config import ParserConfig  # type: ignore[import-untyped]

_MOST_CHARACTERS = 1_000_000
_MOST_ELEMENTS = 5_000
_MOST_PADDED = 5_000_000
"""Characters times elements of what still has tables in it."""

_CONFIG = ParserConfig(css=CSS_PROFILES["strict"])
_TAGS = re.compile(r"<[^<>]*>")
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*>")
_HIDDEN = re.compile(r"display\s*:\s*none")
_BLANK_LINES = re.compile(r"\n{3,}")
_INVISIBLE = {**dict.fromkeys(map(ord, "\u200b\u200c\u2060\ufeff\u00ad\u034f")), 0xA0: " "}
_LISTS = ("ul", "ol")
_DEEPEST_LIST = 8
_LAYOUT = {"presentation", "none"}
_CELLS = {"td", "th"}
_LINKS = ("http:", "https:", "mailto:", "tel:")


def plain_text(html: str) -> str:
    """Give what a person reads in the HTML: paragraphs, lists, tables, and where each link leads."""
    text = _laid_out(html) if len(html) <= _MOST_CHARACTERS else ""
    if not text.strip():
        bare = unescape(_TAGS.sub(" ", _without("script", _without("style", html))))
        text = "\n".join(line.lstrip() for line in bare.split("\n"))
    lines = [line.rstrip() for line in text.translate(_INVISIBLE).split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n") + "\n"


def _laid_out(html: str) -> str:
    """Give nothing for what the library cannot do, or not soon."""
    try:
        tree = lxml.html.document_fromstring(_DECLARATION.sub("", html))
        if sum(1 for _ in tree.iter()) > _MOST_ELEMENTS:
            return ""
        _simplify(tree)
        text: str = Inscriptis(tree, _CONFIG).get_text()
    except Exception:  # noqa: BLE001 - a mail whose text is not pretty is better than none
        return ""
    return text


def _simplify(tree: lxml.html.HtmlElement) -> None:
    """Make the tree simple. The root stays, hidden or not: nothing at all is what nobody can have meant."""
    for element in list(tree.iter(lxml.etree.Element)):
        if element is not tree and (_HIDDEN.search(element.get("style", "")) or "hidden" in element.attrib):
            element.drop_tree()
            continue
        _simplify_one(element)
        element.attrib.clear()
    if len(tree.text_content()) * sum(1 for _ in tree.iter()) > _MOST_PADDED:
        for table in list(tree.iter("table")):
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
