"""What all sections of the settings have in common: frozen, typed, and no key that nobody knows."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from dispatcher.words.values import format_duration, parse_duration


def _longer_than_nothing(duration: timedelta) -> timedelta:
    if duration <= timedelta(0):
        raise ValueError("must be longer than nothing")
    return duration


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
"""A length of time, written `10s`, `1m`, `1h30m`; nothing at all is one too."""

Wait = Annotated[Duration, AfterValidator(_longer_than_nothing)]
"""A length of time that something may take: with none at all it would never succeed."""


class Section(BaseModel):
    """A section of the settings, beside what it configures. A secret in it is a `SecretStr`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)
