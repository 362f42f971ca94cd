"""The section `notifiers.slack` of the settings."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from dispatcher.notifiers.web import base_address
from dispatcher.tls import TlsSettings
from dispatcher.words.rates import Pace, Rate
from dispatcher.words.sections import Section, Wait

SECOND = timedelta(seconds=1)


class SlackPace(Section):
    """How much Slack takes (Slack's "Rate limits")."""

    conversation: Pace = Field(Rate(1, SECOND), description="Messages to one conversation, or one webhook.")
    workspace: Pace = Field(None, description="Messages to all of them together.")


class SlackTimeouts(Section):
    """How long each step may take."""

    connect: Wait = Field(timedelta(seconds=10), description="To connect, TLS included.")
    answer: Wait = Field(timedelta(seconds=30), description="For the answer: giving up here leaves it unknown.")


class SlackSettings(TlsSettings):
    """The bot or the incoming webhooks that speak. With neither the queue is off: its messages wait."""

    token: SecretStr | None = Field(None, description="The bot's token, `xoxb-…`.")
    webhooks: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="Addresses of incoming webhooks by their names in `to`: `webhook:alerts`.",
    )
    api_url: Annotated[str, AfterValidator(base_address)] = Field(
        "https://slack.com/api", description="Where the Web API is."
    )
    link_preview: bool = Field(default=True, description="Whether links are shown with a preview.")
    connections: int = Field(30, ge=1, le=1000, description="Connections open at the same time, at most.")
    pace: SlackPace = SlackPace()
    timeouts: SlackTimeouts = SlackTimeouts()

    @property
    def off(self) -> str | None:
        """Why nothing can be sent, where that is so."""
        return None if self.token is not None or self.webhooks else "no token and no webhook"
