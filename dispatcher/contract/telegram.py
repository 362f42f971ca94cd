"""The contract of the queue `telegram`."""

from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from dispatcher.contract.attachments import File
from dispatcher.contract.base import Notification, Parameters, Text

Identifier = Annotated[int, Field(gt=0)]
WebAddress = Annotated[str, StringConstraints(min_length=1, max_length=2048)]


class Button(BaseModel):
    """A link below the message."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    text: Text = Field(description="What stands on the button.")
    url: WebAddress = Field(description="Where it leads: `https://…` or `tg://…`.")


Buttons = Annotated[list[Button], Field(min_length=1, max_length=100)]
Rows = Annotated[list[Buttons], Field(min_length=1, max_length=100)]


class TelegramNotification(Notification):
    """What a message in the queue `telegram` asks for."""

    model_config = ConfigDict(title="Dispatcher: notification by Telegram, version 1")

    together: ClassVar[bool] = False

    to: Text | int | Annotated[list[Text | int], Field(min_length=1)] = Field(
        description="Ids of chats (`4711`, `-1001234567890`) or `@names` of Telegram's groups and channels; "
        "one or a list. Each gets a message of its own."
    )
    parameters: Parameters | list[Parameters] = Field(
        default_factory=dict,
        description="What the template fills in: one object for all of `to`, or a list with one for each.",
    )
    silent: bool = Field(default=False, description="Arrives without a sound.")
    thread: Identifier | None = Field(default=None, description="Id of the message in that chat to answer to.")
    topic: Identifier | None = Field(default=None, description="Id of the topic of a forum to write in.")
    link_preview: bool | None = Field(
        default=None, description="Whether the first link is shown with a preview; without it as the settings say."
    )
    buttons: Buttons | Rows | None = Field(
        default=None, description="Links below the message: a list, one in each row, or a list of rows."
    )
    photo: WebAddress | File | None = Field(
        default=None,
        description="A picture, the text is its caption: an address that Telegram fetches, or a file.",
    )
    document: WebAddress | File | None = Field(default=None, description="A file of another kind, likewise.")

    @model_validator(mode="after")
    def _one_file(self) -> Self:
        if self.photo is not None and self.document is not None:
            raise ValueError("photo: a message has either a photo or a document, not both")
        return self

    @property
    def rows(self) -> list[list[Button]]:
        """The buttons by row."""
        return [row if isinstance(row, list) else [row] for row in self.buttons or []]
