"""What a person reads of a text: the first line, a preview, the text of an HTML page."""

from __future__ import annotations

from html.parser import HTMLParser

PREVIEW = 140
HIDDEN = {"head", "script", "style", "template", "title"}
APART = {"address", "article", "blockquote", "br", "div", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr"}
APART |= {"li", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul"}


def shorten(text: str, length: int = PREVIEW) -> str:
    """Give the beginning of a text on one line."""
    line = " ".join(text[: length * 20].split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def first_line(text: str) -> str:
    """Give the first line that has anything on it."""
    return shorten(next((line for line in text.splitlines() if line.strip()), ""))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in HIDDEN:
            self._hidden.append(tag)
        elif tag == "img" and not self._hidden:
            self.pieces.append(dict(attrs).get("alt") or "")
        if tag in APART:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            del self._hidden[self._hidden.index(tag) :]
        if tag in APART:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def text_of_html(html: str) -> str:
    """Give what can be read of an HTML page, one line for each block, broken HTML too."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).splitlines())
    return "\n".join(line for line in lines if line)
