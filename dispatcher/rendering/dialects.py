"""How a value has to be written to show as it is, in each of the dialects that templates are written in.

Each escaping is a `Markup` of markupsafe's that escapes its own way, so that all of Jinja goes on working: what is
marked safe stays as it is, what is put together with it is escaped. Where a dialect has no escape for something, an
invisible WORD JOINER keeps the service from taking it for more than text.

Sources: Telegram's Bot API, "Formatting options"; Slack's "Formatting text for app surfaces".
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Self

from markupsafe import Markup
from markupsafe import escape as escape_html

from dispatcher.words.texts import JOINER, Dialect

_MENTION = re.compile(r"(?<!\w)@(?=\w)")
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_HOST = rf"(?:(?:{_LABEL}\.)+(?:xn--[\w-]+|[^\W\d_]{{2,}})|\d{{1,3}}(?:\.\d{{1,3}}){{3}})"
_ADDRESS = re.compile(
    rf"(?<![\w@.\-/])https?://(?:[^\s@/<>\"]+@)?{_HOST}(?::\d{{1,5}})?(?:[/?#][^\s<>\"\u00ab\u00bb\u201c\u201d]*)?",
    re.IGNORECASE,
)
"""What services make a link of by themselves; in anything else that looks like one they find mentions."""

_RESERVED = re.compile(r"([_*\[\]()~`>#+\-=|{}.!\\])")
_FORMATTING = re.compile(r"(?<![^\W_])[*_~`]+|[*_~`]+(?![^\W_])")
_NEXT_MARK = re.compile(r"([*_~`])(?=[*_~`])")
_EMOJI = re.compile(r":(?=[\w+'\-]+:)")
_QUOTE = re.compile(r"^(\s*)>", re.MULTILINE)
_ENTITIES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}


class Escaping(Markup):
    """Text that needs no more escaping in its dialect."""

    __slots__ = ()

    @classmethod
    def escape(cls, s: Any, /) -> Self:
        """Make a value into text of the dialect; what is marked safe stays as it is."""
        if isinstance(s, cls):
            return s
        if hasattr(s, "__html__"):
            return cls(s.__html__())
        return cls(cls.quote(str(s)))

    @staticmethod
    def quote(text: str) -> str:
        """Write plain text in the dialect."""
        raise NotImplementedError


class TelegramText(Escaping):
    """No markup; but Telegram finds mentions by itself."""

    __slots__ = ()

    @staticmethod
    def quote(text: str) -> str:
        """Keep names of strangers from being told that somebody speaks of them."""
        return without_mentions(text)


class TelegramHtml(Escaping):
    """Tags and entities of HTML, as far as Telegram knows them."""

    __slots__ = ()

    @staticmethod
    def quote(text: str) -> str:
        """Escape as in HTML: of the entities that this needs, Telegram knows all."""
        return str(escape_html(without_mentions(text)))


class MarkdownV2(Escaping):
    """Telegram's own Markdown, in which a backslash makes any ASCII character an ordinary one, wherever it stands."""

    __slots__ = ()

    @staticmethod
    def quote(text: str) -> str:
        """Put a backslash before all that means something anywhere."""
        return _RESERVED.sub(r"\\\1", without_mentions(text))


class Mrkdwn(Escaping):
    """Slack's own Markdown: entities for `&`, `<` and `>`, no escape for anything else."""

    __slots__ = ()

    @staticmethod
    def quote(text: str) -> str:
        """Escape what has an escape, and put an invisible joiner beside what would format, quote or be an emoji."""
        plain = _FORMATTING.sub(rf"{JOINER}\g<0>{JOINER}", text)
        # One mark formats another: **_**; and three backticks mean something beside any character.
        plain = _NEXT_MARK.sub(rf"\1{JOINER}", plain)
        plain = _EMOJI.sub(f":{JOINER}", plain)
        return _QUOTE.sub(rf"\1{JOINER}>", plain).translate(_ENTITIES)


class BlockKit(Escaping):
    """Mrkdwn inside the strings of JSON. The notifier takes the escape back out of strings that are none of mrkdwn."""

    __slots__ = ()

    @staticmethod
    def quote(text: str) -> str:
        """Escape for mrkdwn, then for a string of JSON."""
        return json.dumps(Mrkdwn.quote(text), ensure_ascii=False)[1:-1]


MARKUP: Mapping[Dialect, type[Markup] | None] = {
    Dialect.PLAIN: None,
    Dialect.HTML: Markup,
    Dialect.TELEGRAM_TEXT: TelegramText,
    Dialect.TELEGRAM_HTML: TelegramHtml,
    Dialect.MARKDOWN_V2: MarkdownV2,
    Dialect.MRKDWN: Mrkdwn,
    Dialect.BLOCK_KIT: BlockKit,
}
"""What escapes, by dialect; nothing where values are printed as they are."""


def without_mentions(text: str) -> str:
    """Break `@name` invisibly, except in web addresses, which would lead elsewhere."""
    if "@" not in text:
        return text
    pieces, end = [], 0
    for address in _ADDRESS.finditer(text):
        pieces += [_MENTION.sub(f"@{JOINER}", text[end : address.start()]), address[0]]
        end = address.end()
    return "".join([*pieces, _MENTION.sub(f"@{JOINER}", text[end:])])


def json_of(value: Any, indent: int | None = None) -> BlockKit:
    """Write a value as JSON, with all strings in it escaped for mrkdwn: `tojson` of the dialect."""
    return BlockKit(json.dumps(_quoted(value), ensure_ascii=False, indent=indent))


def _quoted(value: Any) -> Any:
    match value:
        case Markup():
            return json.loads(f'"{value}"', strict=False) if isinstance(value, BlockKit) else str(value)
        case str():
            return Mrkdwn.quote(value)
        case Mapping():
            return {str(key): _quoted(below) for key, below in value.items()}
        case list() | tuple():
            return [_quoted(below) for below in value]
    return value
