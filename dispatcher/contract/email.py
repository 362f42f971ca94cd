"""The contract of the queue `email`."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from dispatcher.contract.attachments import Attachment
from dispatcher.contract.base import Notification, Parameters, Text

Addresses = Text | Annotated[list[Text], Field(min_length=1)]


class EmailNotification(Notification):
    """What a message in the queue `email` asks for."""

    model_config = ConfigDict(title="Dispatcher: notification by e-mail, version 1")

    to: Addresses = Field(
        description="Addresses: `ada@example.org` or `Ada Lovelace <ada@example.org>`; one or a list."
    )  # type: ignore[assignment]
    parameters: Parameters | list[Parameters] = Field(
        default_factory=dict,
        description="What the template fills in. A list, one object for each `to`, means one mail for each recipient, "
        "who sees nobody else; one object means one mail addressed to all of `to`.",
    )
    subject: str | None = Field(default=None, description="Wins over the template's own subject.")
    sender: Text | None = Field(
        default=None, alias="from", description="The author's address; without it the sender of the settings."
    )
    reply_to: Addresses | None = Field(default=None, description="Where answers go.")
    cc: Addresses | None = Field(default=None, description="Gets a copy of each mail, and is seen.")
    bcc: Addresses | None = Field(default=None, description="Gets a copy of each mail, and is not seen.")
    attachments: list[Attachment] = Field(default_factory=list, max_length=100, description="Files and inline images.")
    headers: dict[str, str] = Field(
        default_factory=dict, description="Extra headers: `List-Unsubscribe`, `X-…` and a few more."
    )

    def _copies(self) -> Sequence[tuple[str, str]]:
        if self.cc is None and self.bcc is None:
            return ()
        named = (("cc", as_list(self.cc)), ("bcc", as_list(self.bcc)))
        return [(address, field) for field, addresses in named for address in addresses]

    @property
    def reply_addresses(self) -> list[str]:
        """`reply_to` as a list."""
        return as_list(self.reply_to)


def as_list(one_or_many: Any) -> list[str]:
    """Give a field that may be absent, one or several as a list."""
    if one_or_many is None:
        return []
    return one_or_many if isinstance(one_or_many, list) else [one_or_many]
