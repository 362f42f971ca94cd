"""The text beside blocks: what notifications, search and screen readers show of a message."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dispatcher.notifiers.slack.strings import escaped

LONGEST = 4_000
"""Characters; Slack advises to give no longer text."""

Lines = Iterator[str]

_HALF = re.compile(r"(&[a-z]{0,4}|<[^<>]*)$")


def text_of(blocks: list[Any]) -> str:
    """Put the texts of blocks into lines of mrkdwn; nothing where they have none."""
    text = "\n".join(line for block in blocks for line in _lines(block) if line.strip())
    if len(text) <= LONGEST:
        return text
    return _HALF.sub("", text[: LONGEST - 1]).rstrip() + "…"


def _lines(value: Any) -> Lines:
    if isinstance(value, dict):
        kind = value.get("type")
        yield from _OF.get(kind if isinstance(kind, str) else "", _below)(value)


def _below(block: Mapping[str, Any]) -> Lines:
    """Find the texts of what holds other things, in the order they are in: sections, lists, tables, cards."""
    for value in block.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, list):  # a row of a table
                yield " ".join(line for cell in one for line in _lines(cell))
            else:
                yield from _lines(one)


def _none(block: Mapping[str, Any]) -> Lines:
    """Leave out what can be done with a message: it does not belong to its text."""
    del block
    return iter(())


def _marked_up(block: Mapping[str, Any]) -> Lines:
    yield _string(block.get("text"))


def _plain(block: Mapping[str, Any]) -> Lines:
    yield escaped(_string(block.get("text")))


def _image(block: Mapping[str, Any]) -> Lines:
    yield from _lines(block.get("title"))
    yield escaped(_string(block.get("alt_text")))


def _in_one_line(block: Mapping[str, Any]) -> Lines:
    yield " ".join(_below(block))


def _rich(block: Mapping[str, Any]) -> Lines:
    elements = block.get("elements")
    yield "".join(map(_inline, elements if isinstance(elements, list) else ()))


_OF: Mapping[str, Callable[[Mapping[str, Any]], Lines]] = {
    "actions": _none,
    "button": _none,
    "context_actions": _none,
    "input": _none,
    "mrkdwn": _marked_up,
    "markdown": _marked_up,
    "plain_text": _plain,
    "raw_text": _plain,
    "image": _image,
    "context": _in_one_line,
    "rich_text_section": _rich,
    "rich_text_quote": _rich,
    "rich_text_preformatted": _rich,
}
"""By type; of all others, what is in them."""

_INLINE = {
    "text": ("text", "", ""),
    "emoji": ("name", ":", ":"),
    "user": ("user_id", "<@", ">"),
    "channel": ("channel_id", "<#", ">"),
    "usergroup": ("usergroup_id", "<!subteam^", ">"),
    "broadcast": ("range", "<!", ">"),
    "date": ("fallback", "", ""),
    "color": ("value", "", ""),
}
"""What an element of rich text is in mrkdwn: what it has, with what before and behind it."""


def _inline(element: Any) -> str:
    kind = element.get("type") if isinstance(element, dict) else None
    if kind == "link":
        address = escaped(_string(element.get("url"))).replace("|", "%7C")
        label = escaped(_string(element.get("text")))
        return f"<{address}|{label}>" if label else f"<{address}>"
    if not isinstance(kind, str) or kind not in _INLINE:
        return ""
    name, before, behind = _INLINE[kind]
    text = escaped(_string(element.get(name)))
    return f"{before}{text}{behind}" if text else ""


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
