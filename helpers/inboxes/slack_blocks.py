"""Blocks, checked as Slack does: what is wrong is said in its words, with a pointer to the place."""

from __future__ import annotations

from typing import Any

MOST_BLOCKS = 50
LONGEST = {"section": 3000, "header": 150, "context": 3000, "button": 75, "field": 2000, "markdown": 12_000}
"""Characters of a text, by what it stands in."""
MOST_FIELDS = 10
MOST_IN_CONTEXT = 10
MOST_ACTIONS = 25
LONGEST_URL = 3000
LONGEST_ALT = 2000
LONGEST_ID = 255
UNCHECKED = {"actions", "call", "divider", "file", "input", "rich_text", "table", "video"}
"""Known to Slack, and checked here only as far as the functions below go."""
WITH_MARKUP = {"mrkdwn", "markdown"}


def complaints(blocks: list[Any]) -> list[str]:
    """Give what Slack would list in `response_metadata.messages`."""
    found = Complaints()
    found.at_most(blocks, MOST_BLOCKS, "/blocks")
    for n, block in enumerate(blocks):
        found.block(block, f"/blocks/{n}")
    return found.lines


def words(blocks: Any) -> list[str]:
    """Give all texts in blocks, in order, as far as they are blocks."""
    return [text for text, _ in texts(blocks)]


def texts(blocks: Any) -> list[tuple[str, bool]]:
    """Give the same texts, each with whether markup in it counts."""
    if isinstance(blocks, list):
        return [text for one in blocks for text in texts(one)]
    if not isinstance(blocks, dict):
        return []
    marked = blocks.get("type") in WITH_MARKUP
    own = [(blocks[key], marked) for key in ("text", "alt_text") if isinstance(blocks.get(key), str)]
    inner = [texts(value) for value in blocks.values() if isinstance(value, dict | list)]
    return own + [text for several in inner for text in several]


class Complaints:
    """What was found wrong so far."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, what: str, where: str) -> None:
        """Note something that is wrong."""
        self.lines.append(f"[ERROR] {what} [json-pointer:{where}]")

    def block(self, block: Any, where: str) -> None:
        """Check a block."""
        if not isinstance(block, dict):
            self.say("must be an object", where)
            return
        kind = block.get("type")
        if kind is None:
            self.say("missing required field: type", where)
            return
        if len(str(block.get("block_id", ""))) > LONGEST_ID:
            self.say(f"must be less than {LONGEST_ID + 1} characters", f"{where}/block_id")
        check = getattr(self, f"_{kind}", None) if kind in {*CHECKED, "actions"} else None
        if check:
            check(block, where)
        elif kind not in UNCHECKED:
            self.say(f"unsupported type: {kind}", f"{where}/type")

    def at_most(self, items: list[Any], most: int, where: str) -> None:
        """Check how many there are."""
        if len(items) > most:
            self.say(f"no more than {most} items allowed", where)

    def text(self, text: Any, longest: int, where: str, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> None:
        """Check an object that holds a text."""
        if not isinstance(text, dict):
            self.say("must be an object", where)
        elif text.get("type") not in kinds:
            self.say(f"must be one of: {', '.join(kinds)}", f"{where}/type")
        else:
            self.length(text.get("text"), longest, f"{where}/text")

    def length(self, text: Any, longest: int, where: str) -> None:
        """Check that something is a text, and how long."""
        if not isinstance(text, str):
            self.say("must be a string", where)
        elif not text:
            self.say("must be more than 0 characters", where)
        elif len(text) > longest:
            self.say(f"must be less than {longest + 1} characters", where)

    def _section(self, block: dict[str, Any], where: str) -> None:
        if "text" not in block and "fields" not in block:
            self.say("missing required field: text", where)
        if "text" in block:
            self.text(block["text"], LONGEST["section"], f"{where}/text")
        fields = self._list(block, "fields", MOST_FIELDS, where)
        for n, field in enumerate(fields):
            self.text(field, LONGEST["field"], f"{where}/fields/{n}")
        if "accessory" in block:
            self._element(block["accessory"], f"{where}/accessory")

    def _header(self, block: dict[str, Any], where: str) -> None:
        self.text(block.get("text"), LONGEST["header"], f"{where}/text", ("plain_text",))

    def _markdown(self, block: dict[str, Any], where: str) -> None:
        self.length(block.get("text"), LONGEST["markdown"], f"{where}/text")

    def _image(self, block: dict[str, Any], where: str) -> None:
        if "slack_file" not in block:
            self.length(block.get("image_url"), LONGEST_URL, f"{where}/image_url")
        self.length(block.get("alt_text"), LONGEST_ALT, f"{where}/alt_text")

    def _context(self, block: dict[str, Any], where: str) -> None:
        for n, element in enumerate(self._list(block, "elements", MOST_IN_CONTEXT, where, needed=True)):
            if isinstance(element, dict) and element.get("type") == "image":
                self._image(element, f"{where}/elements/{n}")
            else:
                self.text(element, LONGEST["context"], f"{where}/elements/{n}")

    def _actions(self, block: dict[str, Any], where: str) -> None:
        for n, element in enumerate(self._list(block, "elements", MOST_ACTIONS, where, needed=True)):
            self._element(element, f"{where}/elements/{n}")

    def _element(self, element: Any, where: str) -> None:
        kind = element.get("type") if isinstance(element, dict) else None
        if kind is None:
            self.say("missing required field: type", where)
        elif kind == "image":
            self._image(element, where)
        elif kind == "button":
            self.text(element.get("text"), LONGEST["button"], f"{where}/text", ("plain_text",))
            if "url" in element:
                self.length(element["url"], LONGEST_URL, f"{where}/url")

    def _list(self, block: dict[str, Any], name: str, most: int, where: str, *, needed: bool = False) -> list[Any]:
        items = block.get(name, [])
        if not isinstance(items, list):
            self.say("must be an array", f"{where}/{name}")
            return []
        if not items and (needed or name in block):
            self.say("no less than 1 items allowed" if name in block else f"missing required field: {name}", where)
        self.at_most(items, most, f"{where}/{name}")
        return items


CHECKED = {"section", "header", "markdown", "image", "context"}
