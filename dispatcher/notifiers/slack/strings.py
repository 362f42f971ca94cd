"""What the strings of rendered Block Kit become.

Every parameter was escaped for mrkdwn, wherever in the JSON it stands: entities for `&`, `<` and `>`, and invisible
joiners beside what would format. Where Slack reads no mrkdwn, both would show or lead elsewhere, so they are taken out
again. Links within mrkdwn lead to addresses, in which no joiner belongs either.
"""

import re
from collections.abc import Mapping
from typing import Any

from dispatcher.words.texts import JOINER

DEEPEST = 40
"""Lists and objects within each other, at most."""

_ENTITY = re.compile(r"&(amp|lt|gt);")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">"}
_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
_LINK_TARGET = re.compile(r"<(?![@#!])[^<>|]+")
_NOT_OF_AN_EMOJI = re.compile(rf"(?<!:){JOINER}")


def mended(value: Any, depth: int = 0) -> Any:
    """Give a document in which every string is what it should be where it stands.

    Raises:
        RecursionError: it is nested more deeply than any blocks are.

    """
    if depth > DEEPEST:
        raise RecursionError
    match value:
        case str():
            return plain(value)
        case list():
            return [mended(below, depth + 1) for below in value]
        case dict():
            known = _text_of(value)
            return {whole(key): mended(below, depth + 1) for key, below in value.items()} | known
    return value


def mrkdwn(text: str) -> str:
    """Give mrkdwn whose links lead where they should."""
    return _LINK_TARGET.sub(lambda target: target[0].replace(JOINER, ""), whole(text))


def plain(text: str) -> str:
    """Take the escaping for mrkdwn out again."""
    return _unescaped(whole(text).replace(JOINER, ""))


def escaped(text: str) -> str:
    """Write plain text in mrkdwn."""
    return text.translate(_ESCAPES)


def whole(text: str) -> str:
    """Put replacement characters in place of halves of characters, which UTF-8 cannot write."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_blank(text: str) -> bool:
    """Tell whether nobody would see anything."""
    return not text.replace(JOINER, "").strip()


def _text_of(value: Mapping[str, Any]) -> dict[str, str]:
    """Give the `text` of an object that is more than a plain string: by the object's type."""
    match value:
        case {"type": "mrkdwn", "text": str(text)}:
            return {"text": mrkdwn(text)}
        case {"type": "markdown", "text": str(text)}:
            # Markdown knows the entities, and the joiners keep parameters from being markup there as well.
            return {"text": whole(text)}
        case {"type": "plain_text", "text": str(text)}:
            # Emoji are all that Slack makes of plain text: their joiners stay.
            return {"text": _unescaped(_NOT_OF_AN_EMOJI.sub("", whole(text)))}
    return {}


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda entity: _CHARACTERS[entity[1]], text)
