"""Telegram's markup, read by the rules of its server: what a person will see of a text, and how it looks.

Written from the documentation of the Bot API and the known behaviour of its server, without a look at how anybody
escapes: whoever escapes can be checked against it.
"""

from helpers.inboxes.telegram_detect import detect
from helpers.inboxes.telegram_entities import units
from helpers.inboxes.telegram_html import parse_html
from helpers.inboxes.telegram_markdown import parse_markdown_v2

__all__ = ["detect", "parse_html", "parse_markdown_v2", "units"]
