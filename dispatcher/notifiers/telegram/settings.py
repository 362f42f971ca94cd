"""The section `notifiers.telegram` of the settings."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from dispatcher.notifiers.unknown import UnknownPolicy
from dispatcher.notifiers.web import Token, WebTimeouts, base_address
from dispatcher.tls import TlsSettings
from dispatcher.words.rates import Pace, Rate
from dispatcher.words.sections import Section, Wait


def _without_bot(address: str) -> str:
    if address.endswith("/bot"):
        raise ValueError("write it without /bot at its end, which is put between it and the token")
    return address


SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


class TelegramPace(Section):
    """How much Telegram takes (Telegram's FAQ, "How can I message all of my bot's subscribers at once?")."""

    chat: Pace = Field(Rate(1, SECOND), description="Messages to one chat.")
    group: Pace = Field(Rate(20, MINUTE), description="Messages to one group, besides.")
    bot: Pace = Field(Rate(30, SECOND), description="Messages to all chats together.")


class TelegramTimeouts(WebTimeouts):
    """How long each step may take."""

    upload: Wait = Field(timedelta(seconds=60), description="For a file to be taken.")


class TelegramSettings(TlsSettings):
    """The bot that speaks. Without a token the queue is off: its messages wait."""

    token: Token = Field(None, description="The bot's token, as @BotFather gave it.")
    api_url: Annotated[str, AfterValidator(base_address), AfterValidator(_without_bot)] = Field(
        "https://api.telegram.org", description="Where the Bot API is; another for a server of your own."
    )
    link_preview: bool = Field(default=True, description="Whether the first link is shown with a preview.")
    connections: int = Field(30, ge=1, le=1000, description="Connections open at the same time, at most.")
    unknown: UnknownPolicy = "resend"
    pace: TelegramPace = TelegramPace()
    timeouts: TelegramTimeouts = TelegramTimeouts()

    @model_validator(mode="after")
    def _certificates_need_tls(self) -> Self:
        if self.api_url.lower().startswith("http://"):
            self.refuse_files("with http://; write the api_url with https://")
        return self

    @property
    def off(self) -> str | None:
        """Why nothing can be sent, where that is so."""
        return "no token" if self.token is None else None
