"""The fields of a message to Slack, checked as Slack does; what is wrong is said in its words."""

from __future__ import annotations

import re
from typing import Any

from helpers.inboxes.forms import nested
from helpers.inboxes.slack_blocks import complaints
from helpers.inboxes.slack_message import LONGEST

MOST_ATTACHMENTS = 100
CHANNEL = re.compile(r"[#@]?[^\s#@<>&,]{1,80}")
TS = re.compile(r"\d{10}\.\d{6}")


class Refused(Exception):
    """Slack would refuse this.

    Attributes:
        error: in its words.
        messages: what it would say about the places.

    """

    def __init__(self, error: str, messages: list[str] | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.messages = messages


def channel(fields: dict[str, Any]) -> str:
    """Give the channel: an id or a name."""
    given = fields.get("channel")
    if not isinstance(given, str) or not CHANNEL.fullmatch(given):
        raise Refused("channel_not_found")
    return given


def blocks(fields: dict[str, Any]) -> list[Any] | None:
    """Give the blocks, which a form holds as JSON."""
    try:
        given = nested(fields.get("blocks") or None)
    except ValueError as error:
        raise Refused("invalid_blocks_format") from error
    if not isinstance(given, list | None):
        raise Refused("invalid_blocks_format")
    if wrong := complaints(given or []):
        raise Refused("invalid_blocks", wrong)
    return given or None


def text(fields: dict[str, Any], blocks: list[Any] | None) -> str:
    """Give the text, cut as Slack cuts it; there must be one where there is nothing else."""
    given = fields.get("text")
    attached = _attachments(fields)
    found = "" if given is None or isinstance(given, dict | list) else str(given)
    if not found.strip() and not blocks and not attached:
        raise Refused("no_text")
    return found[:LONGEST]


def thread(fields: dict[str, Any]) -> str | None:
    """Give the message that is answered."""
    given = fields.get("thread_ts")
    if given in {None, ""}:
        return None
    if not TS.fullmatch(str(given)):
        raise Refused("invalid_thread_ts")
    return str(given)


def warnings(fields: dict[str, Any], content_type: str) -> list[str]:
    """Give what Slack remarks on a message that it took."""
    found = []
    if content_type.startswith("application/json") and "charset" not in content_type:
        found.append("missing_charset")
    if len(str(fields.get("text") or "")) > LONGEST:
        found.append("message_truncated")
    return found


def _attachments(fields: dict[str, Any]) -> list[Any]:
    try:
        given = nested(fields.get("attachments") or None)
    except ValueError as error:
        raise Refused("invalid_attachments") from error
    if not isinstance(given, list | None):
        raise Refused("invalid_attachments")
    if len(given or []) > MOST_ATTACHMENTS:
        raise Refused("too_many_attachments")
    return given or []
