"""The section `notifiers.slack` of the settings."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from dispatcher.notifiers.unknown import UnknownPolicy
from dispatcher.notifiers.web import ONE_WORD, Token, WebTimeouts, base_address
from dispatcher.tls import TlsSettings
from dispatcher.words.rates import Pace, Rate
from dispatcher.words.sections import Section

SECOND = timedelta(seconds=1)

WEBHOOK_NAME = re.compile(r"[\w.\-]{1,80}")


def _from_text(webhooks: Any) -> Any:
    """Take all of them from one text, as a secret file has it: a JSON object."""
    if not isinstance(webhooks, str):
        return webhooks
    try:
        return json.loads(webhooks)
    except ValueError:
        # Without what it says, and without it as the cause: both have the addresses in them.
        message = 'is neither a section nor JSON; write it like {"alerts": "https://hooks.slack.com/services/…"}'
    raise ValueError(message)


def _checked(webhooks: Mapping[str, SecretStr]) -> dict[str, SecretStr]:
    """Give them with their names in small letters, as the environment has them."""
    small: dict[str, SecretStr] = {}
    for name, address in webhooks.items():
        if not WEBHOOK_NAME.fullmatch(name):
            raise ValueError(f"{name[:80]!r} is no name of a webhook; it takes letters, digits, and - _ .")
        if name.lower() in small:
            raise ValueError(f"{name} is there twice: capitals make no difference; write it {name.lower()}")
        if not _is_address(address.get_secret_value()):
            raise ValueError(f"{name} is no address of a webhook; write it like https://hooks.slack.com/services/…")
        small[name.lower()] = address
    return small


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return sound and ONE_WORD.fullmatch(text) is not None


class SlackPace(Section):
    """How much Slack takes (Slack's "Rate limits")."""

    conversation: Pace = Field(Rate(1, SECOND), description="Messages to one conversation, or one webhook.")
    workspace: Pace = Field(None, description="Messages to all of them together.")


class SlackSettings(TlsSettings):
    """The bot or the incoming webhooks that speak. With neither the queue is off: its messages wait."""

    token: Token = Field(None, description="The bot's token, `xoxb-…`.")
    webhooks: Annotated[dict[str, SecretStr], BeforeValidator(_from_text), AfterValidator(_checked)] = Field(
        default_factory=dict,
        description="Addresses of incoming webhooks by their names in `to`: `webhook:alerts`.",
    )
    api_url: Annotated[str, AfterValidator(base_address)] = Field(
        "https://slack.com/api", description="Where the Web API is."
    )
    link_preview: bool = Field(default=True, description="Whether links are shown with a preview.")
    connections: int = Field(30, ge=1, le=1000, description="Connections open at the same time, at most.")
    unknown: UnknownPolicy = "resend"
    pace: SlackPace = SlackPace()
    timeouts: WebTimeouts = WebTimeouts()

    @model_validator(mode="after")
    def _certificates_need_tls(self) -> Self:
        addresses = [self.api_url, *(address.get_secret_value() for address in self.webhooks.values())]
        if not any(address.lower().startswith("https://") for address in addresses):
            self.refuse_files("with http://; write the api_url with https://")
        return self

    @property
    def off(self) -> str | None:
        """Why nothing can be sent, where that is so."""
        return None if self.token is not None or self.webhooks else "no token and no webhook"
