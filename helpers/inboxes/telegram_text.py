"""A text on its way through Telegram: read by its mode, cleaned, trimmed, measured, and what is found in it added."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from helpers.inboxes.telegram_detect import detect
from helpers.inboxes.telegram_entities import in_order, units
from helpers.inboxes.telegram_html import parse_html
from helpers.inboxes.telegram_markdown import parse_markdown_v2

if TYPE_CHECKING:
    from collections.abc import Callable

    from helpers.inboxes.telegram_entities import Entity

LARGEST_SOURCE = 1 << 15
"""Bytes of a text with its markup."""
MOST_ENTITIES = 100
MODES: dict[str, Callable[[str], tuple[str, list[Entity]]]] = {
    "html": parse_html,
    "markdownv2": parse_markdown_v2,
    "": lambda text: (text, []),
    "none": lambda text: (text, []),
}
GONE = re.compile("[\r\u2028-\u202e\u0333\u033f\u030a]")
BLANK = re.compile("[\0-\x09\x0b-\x1f]")
WHOLE = {"code", "pre", "text_link", "text_mention", "custom_emoji"}
"""What lets nothing else be found inside."""
STYLES = {"bold", "italic", "underline", "strikethrough", "spoiler"}
SCHEMES = {"http", "https", "ftp", "tg", "ton", "tonsite"}


def read(text: str, mode: str, entities: Any = None) -> tuple[str, list[Entity]]:
    """Give what a person sees; raise `ValueError` with Telegram's words where it refuses the text."""
    if len(text.encode("utf-8", "replace")) > LARGEST_SOURCE:
        raise ValueError("text is too long")
    parse = MODES.get(mode.lower())
    if parse is None:
        raise ValueError("unsupported parse_mode")
    try:
        visible, found = parse(text)
    except ValueError as error:
        raise ValueError(f"can't parse entities: {error}") from error
    if isinstance(entities, list) and mode == "":
        found = [entity for entity in entities if _is_entity(entity)]
    visible, found = clean(visible, found)
    found = [entity for entity in map(_checked, _untangled(found)) if entity]
    detected = [entity for entity in detect(visible) if not any(_meet(entity, one) for one in found if _whole(one))]
    return visible, in_order([*found, *detected])[:MOST_ENTITIES]


def clean(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Take away what Telegram does: some characters, and white space at both ends."""
    places, kept, width = [0], [], 0
    for character in text:
        if not GONE.match(character):
            kept.append(" " if BLANK.match(character) else character)
            width += units(character)
        places += [width] * units(character)
    whole = "".join(kept)
    lead = len(whole) - len(whole.lstrip())
    last = units(whole.rstrip())
    trimmed = []
    for entity in entities:
        begin = max(places[min(entity["offset"], len(places) - 1)], lead)
        end = min(places[min(entity["offset"] + entity["length"], len(places) - 1)], last)
        if end > begin:
            trimmed.append({**entity, "offset": begin - lead, "length": end - begin})
    return whole.strip(), trimmed


def checked_url(url: str) -> str | None:
    """Give a link as Telegram keeps it; None where it is none to Telegram, which then drops it and keeps the text."""
    if not re.match(r"[a-z][a-z0-9+.-]*:(//|$)", url, re.IGNORECASE) and not re.match(r"(tg|ton):", url, re.IGNORECASE):
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in SCHEMES:
        return None
    if parts.scheme not in {"http", "https", "ftp"}:
        return url
    if "." not in host.strip(".") and ":" not in host:
        return None
    place = parts.netloc.rpartition("@")
    rest = url.split("://", 1)[1][len(parts.netloc) :].strip().replace(" ", "%20")
    return f"{parts.scheme}://{place[0]}{place[1]}{place[2].lower()}{'' if rest.startswith('/') else '/'}{rest}"


def _checked(entity: Entity) -> Entity | None:
    if entity["type"] != "text_link":
        return entity
    url = checked_url(str(entity.get("url", "")))
    return {**entity, "url": url} if url else None


def _untangled(entities: list[Entity]) -> list[Entity]:
    """Let nothing be inside code and no style go across it."""
    entities = in_order(entities)
    code = [entity for entity in entities if entity["type"] in {"code", "pre"}]
    code = [one for n, one in enumerate(code) if not any(_meet(one, other) for other in code[:n])]
    kept = []
    for entity in entities:
        if entity["type"] in STYLES:
            kept += _around(entity, code)
        elif any(entity is one for one in code) or (
            entity["type"] not in {"code", "pre"}
            and (not any(_meet(entity, one) for one in code) or "blockquote" in entity["type"])
        ):
            kept.append(entity)
    return in_order(kept)


def _around(entity: Entity, holes: list[Entity]) -> list[Entity]:
    pieces, begin, end = [], entity["offset"], entity["offset"] + entity["length"]
    for hole in (one for one in holes if _meet(entity, one)):
        pieces.append((begin, hole["offset"]))
        begin = max(begin, hole["offset"] + hole["length"])
    pieces.append((begin, end))
    return [{**entity, "offset": first, "length": last - first} for first, last in pieces if last > first]


def _meet(one: Entity, other: Entity) -> bool:
    return bool(one["offset"] < other["offset"] + other["length"] and other["offset"] < one["offset"] + one["length"])


def _whole(entity: Entity) -> bool:
    return entity["type"] in WHOLE


def _is_entity(entity: Any) -> bool:
    return (
        isinstance(entity, dict)
        and isinstance(entity.get("type"), str)
        and all(isinstance(entity.get(key), int) and entity[key] >= 0 for key in ("offset", "length"))
    )
