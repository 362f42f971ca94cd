"""What Telegram's two markups come to: runs of visible text, and the elements that each of them lies in.

Both are read into the same, so that texts are measured, cut and stripped in one way; what was cut is written as HTML,
in which any cut can be mended: MarkdownV2 has marks that mean something else where they meet.
"""

import html
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST_NESTED = 100
"""Elements that may lie in each other: Telegram looks at no more in all."""


class BadMarkup(ValueError):
    """Telegram would not take it. The text says why, as the end of a sentence, and holds nothing of the text itself."""


@dataclass(slots=True, eq=False)
class Element:
    """One tag and its end, or what a mark stands for. Two of them are never the same, even if they look it.

    Attributes:
        opening, closing: in HTML.
        whole: cutting it leaves two of them, which is worse than one: a link, an emoji.

    """

    opening: str
    closing: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """Visible text that lies in the same elements from end to end, the outermost first."""

    text: str
    inside: tuple[Element, ...] = ()


Runs = Sequence[Run]

_BLANK = {"Cc", "Cf", "Zs", "Zl", "Zp"}
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters by their category, and nothing to the eye: fillers, the empty Braille pattern."""


def units(text: str) -> int:
    """Count as Telegram does: in units of UTF-16."""
    return len(text.encode("utf-16-le")) // 2


def well_formed(text: str) -> str:
    """Put together the halves of surrogate pairs, and a replacement character for a half that is alone."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def is_blank(text: str) -> bool:
    """Tell whether there is nothing to see: Telegram takes no such text."""
    return all(unicodedata.category(sign) in _BLANK or sign in _BLANK_LETTERS for sign in text)


def visible(runs: Iterable[Run]) -> str:
    """Give what a reader sees."""
    return "".join(run.text for run in runs)


def write_html(runs: Iterable[Run]) -> str:
    """Write them as Telegram's HTML; elements that lie across several runs are opened once."""
    written: list[str] = []
    opened: list[Element] = []
    for run in runs:
        kept = _in_common(opened, run.inside)
        written += [element.closing for element in reversed(opened[kept:])]
        written += [element.opening for element in run.inside[kept:]]
        written.append(html.escape(run.text, quote=False))
        opened = list(run.inside)
    written += [element.closing for element in reversed(opened)]
    return "".join(written)


def tag(name: str, *, whole: bool = False, **attributes: str | None) -> Element:
    """Make an element; underscores in the names of attributes stand for hyphens, and `None` for no such attribute."""
    told = (
        f' {key.strip("_").replace("_", "-")}="{html.escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Element(f"<{name}{''.join(told)}>", f"</{name}>", whole)


def _in_common(one: Sequence[Element], other: Sequence[Element]) -> int:
    pairs = zip(one, other, strict=False)
    return next((at for at, (left, right) in enumerate(pairs) if left is not right), min(len(one), len(other)))
