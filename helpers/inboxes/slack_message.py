"""A message to Slack, as it is kept, and as Slack tells it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from helpers.inboxes.messages import Message
from helpers.inboxes.slack_blocks import texts, words
from helpers.inboxes.slack_markup import parse_mrkdwn

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 40_000
"""Characters of a text; Slack cuts what is longer."""


@dataclass(frozen=True, eq=False)
class SlackMessage(Message):
    """A message in a channel, or to a webhook.

    Attributes:
        channel: as it was given; empty for a webhook, which knows its own.
        webhook: its name; None for a call of the Web API.
        ts: Slack's number for it.
        thread_ts: the message that it answers.
        text: as it was given, with its markup.
        blocks: as they were given.
        mrkdwn: whether the markup of the text counts.
        request: as it came.

    """

    channel: str
    webhook: str | None
    ts: str
    thread_ts: str | None
    text: str
    blocks: list[Any] | None
    mrkdwn: bool
    request: bytes

    service: ClassVar[str] = "slack"

    @property
    def to(self) -> Sequence[str]:
        """The channel or the webhook."""
        return [self.channel or self.webhook or ""]

    @property
    def reads(self) -> str:
        """The text; where there are blocks, theirs, for that is what Slack shows."""
        shown = texts(self.blocks) if self.blocks else [(self.text, self.mrkdwn)]
        read = (parse_mrkdwn(text[:LONGEST])[0] if marked else text for text, marked in shown)
        return "\n".join(read)[:LONGEST]

    @property
    def searched(self) -> str:
        """The channel, the text of the message and of its blocks, markup and links too."""
        return "\n".join([*self.to, self.text, *words(self.blocks), self.reads])

    @property
    def source(self) -> bytes:
        """The request as it came."""
        return self.request

    def more(self) -> dict[str, Any]:
        """Give text, blocks and where they went."""
        names = ("channel", "webhook", "ts", "thread_ts", "text", "blocks", "mrkdwn")
        return {name: getattr(self, name) for name in names}

    def answer(self, bot: dict[str, str]) -> dict[str, Any]:
        """Give the message of the Web API."""
        told: dict[str, Any] = {"type": "message", "text": self.text, "ts": self.ts, **bot}
        told |= {"thread_ts": self.thread_ts} if self.thread_ts else {}
        return told | ({"blocks": self.blocks} if self.blocks else {})
