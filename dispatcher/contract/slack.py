"""The contract of the queue `slack`."""

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, StringConstraints

from dispatcher.contract.base import Notification, Parameters, Text

Timestamp = Annotated[str, StringConstraints(pattern=r"^\d{1,12}\.\d{1,9}$")]


class SlackNotification(Notification):
    """What a message in the queue `slack` asks for."""

    model_config = ConfigDict(title="Dispatcher: notification by Slack, version 1")

    together: ClassVar[bool] = False

    to: Text | Annotated[list[Text], Field(min_length=1)] = Field(
        description="Conversations: ids (`C024BE91L`, `U…` for a person) or `#names`; or `webhook:<name>`, an incoming "
        "webhook of the settings; one or a list. Each gets a message of its own."
    )  # type: ignore[assignment]
    parameters: Parameters | list[Parameters] = Field(
        default_factory=dict,
        description="What the template fills in: one object for all of `to`, or a list with one for each.",
    )
    thread: Timestamp | None = Field(
        default=None, description="The `ts` of the message to answer to: `1700000000.123456`."
    )
    silent: bool = Field(
        default=False, description="Taken, so that one body does for Telegram too; Slack has no such thing."
    )
    link_preview: bool | None = Field(
        default=None, description="Whether links are shown with a preview; without it as the settings say."
    )
