"""The setting `unknown`, which all notifiers have: what is done where nobody knows whether it was sent."""

from typing import Annotated, Literal

from pydantic import Field

UnknownPolicy = Annotated[
    Literal["resend", "dead-letter"],
    Field(description="What is done where nobody knows whether it was sent."),
]


def is_final(policy: UnknownPolicy) -> bool:
    """Tell whether it must not be sent again."""
    return policy == "dead-letter"
