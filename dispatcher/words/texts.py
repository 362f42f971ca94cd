"""What rendering gives and notifiers take."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

JOINER = "\u2060"
"""Invisible: what renders puts it beside what would mean something, where a dialect has no escape for that."""


class Dialect(StrEnum):
    """What a format is written in: how a value that is filled in has to be escaped to show as it is."""

    PLAIN = "plain text"
    HTML = "HTML"
    TELEGRAM_TEXT = "text for Telegram"
    TELEGRAM_HTML = "Telegram's HTML"
    MARKDOWN_V2 = "Telegram's MarkdownV2"
    MRKDWN = "Slack's mrkdwn"
    BLOCK_KIT = "Slack's Block Kit"  # JSON with mrkdwn in it


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a template made of the parameters.

    Attributes:
        texts: by format: `html`, `txt`.
        subject: the template's own subject, where it has one; one line.
        template: the file that was rendered, relative to the folder of templates, for error texts.

    """

    texts: Mapping[str, str]
    subject: str | None
    template: str
