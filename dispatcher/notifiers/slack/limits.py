"""What Slack takes of blocks (its "Reference: Block Kit"), so that a mistake is said with the block it is in.

What is checked is what templates get wrong. The rest, and all blocks that came later, are Slack's to judge.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

MOST_BLOCKS = 50

KNOWN = frozenset({
    "actions", "alert", "call", "card", "carousel", "container", "context", "context_actions", "data_table",
    "data_visualization", "divider", "file", "header", "image", "input", "markdown", "plan", "rich_text", "section",
    "share_shortcut", "table", "task_card", "video",
})  # fmt: skip
"""The types of blocks."""

Complaints = Iterator[str]


def complaints(blocks: list[Any]) -> Complaints:
    """Say what Slack would refuse, each with the number of its block, counted from 1."""
    if len(blocks) > MOST_BLOCKS:
        yield f"{len(blocks)} blocks, at most {MOST_BLOCKS} fit"
    for number, block in enumerate(blocks, 1):
        match block:
            case {"type": str(kind)} if kind in KNOWN:
                check = _CHECKS.get(kind)
                yield from (f"block {number} ({kind}): {what}" for what in (check(block) if check else ()))
            case {"type": str(kind)}:
                yield f"block {number} has the type {kind[:40]!r}, which Slack does not know"
            case dict():
                yield f"block {number} has no type"
            case _:
                yield f"block {number} is no object"


def _section(block: Mapping[str, Any]) -> Complaints:
    if "text" not in block and "fields" not in block:
        yield "needs text or fields"
    if "text" in block:
        yield from _text("text", block["text"], 3_000)
    if "fields" in block:
        yield from _list("fields", block["fields"], 10, lambda place, field: _text(place, field, 2_000))
    if "accessory" in block:
        yield from _element("accessory", block["accessory"])


def _header(block: Mapping[str, Any]) -> Complaints:
    yield from _text("text", block.get("text"), 150, kinds=("plain_text",))


def _context(block: Mapping[str, Any]) -> Complaints:
    yield from _list("elements", block.get("elements"), 10, _element)


def _actions(block: Mapping[str, Any]) -> Complaints:
    yield from _list("elements", block.get("elements"), 25, _element)


def _image(block: Mapping[str, Any]) -> Complaints:
    yield from _picture("", block)


_CHECKS: Mapping[str, Callable[[Mapping[str, Any]], Complaints]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "image": _image,
}


def _element(place: str, value: Any) -> Complaints:
    match value:
        case {"type": "mrkdwn" | "plain_text"}:
            yield from _text(place, value, 3_000)
        case {"type": "button"}:
            yield from _text(f"{place}.text", value.get("text"), 75, kinds=("plain_text",))
            yield from _length(f"{place}.url", value.get("url", ""), 3_000)
            yield from _length(f"{place}.value", value.get("value", ""), 2_000)
        case {"type": "image"}:
            yield from _picture(f"{place}.", value)
        case {"type": str()}:
            return
        case _:
            yield f"{place} has no type"


def _picture(place: str, value: Mapping[str, Any]) -> Complaints:
    if "alt_text" not in value:
        yield f"{place}alt_text is missing"
    else:
        yield from _length(f"{place}alt_text", value["alt_text"], 2_000)
    if "image_url" in value:
        yield from _length(f"{place}image_url", value["image_url"], 3_000)
    elif "slack_file" not in value:
        yield f"{place}image_url is missing"


def _text(place: str, value: Any, most: int, *, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> Complaints:
    match value:
        case {"type": str(kind), "text": str(text)} if kind in kinds:
            if not text:
                yield f"{place} is empty"
            yield from _length(place, text, most)
        case _:
            yield f"{place} must be an object with the type {' or '.join(kinds)} and a text"


def _list(place: str, value: Any, most: int, check: Callable[[str, Any], Complaints]) -> Complaints:
    if not isinstance(value, list) or not value:
        yield f"{place} must be a list with something in it"
        return
    if len(value) > most:
        yield f"{place} has {len(value)} entries, at most {most} fit"
    for index, entry in enumerate(value, 1):
        yield from check(f"{place} {index}", entry)


def _length(place: str, value: Any, most: int) -> Complaints:
    if not isinstance(value, str):
        yield f"{place} must be a string"
    elif len(value) > most:
        yield f"{place} has {len(value):,} characters, at most {most:,} fit"
