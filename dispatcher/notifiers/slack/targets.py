"""Whom an address in `to` names: a conversation, or an incoming webhook of the settings."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from dispatcher.notifiers.slack.settings import WEBHOOK_NAME
from dispatcher.words.errors import Failure, Kind, Reason

WEBHOOK = "webhook:"

_SOUND = re.compile(r"[^\s/]{1,255}")


@dataclass(frozen=True, slots=True)
class Conversation:
    """A channel, group or person, by id or `#name`."""

    id: str

    def __str__(self) -> str:
        return f"conversation {self.id}"


@dataclass(frozen=True, slots=True)
class Webhook:
    """An incoming webhook, by its name in the settings."""

    name: str

    def __str__(self) -> str:
        return f"webhook {self.name}"


Target = Conversation | Webhook


def read_target(address: str, webhooks: Collection[str], *, has_token: bool) -> Target:
    """Read an address.

    Args:
        address: as the publisher wrote it.
        webhooks: the names there are.
        has_token: whether conversations can be written to.

    Raises:
        Failure: it is none, or none that the settings have (recipient).

    """
    if address.lower().startswith(WEBHOOK):
        return _webhook(address[len(WEBHOOK) :], webhooks)
    if not _SOUND.fullmatch(address) or not address.isprintable():
        # Not quoted: it may be the address of a webhook, which is a secret.
        text = f"to takes the id of a conversation or a person, a #name, or {WEBHOOK} and a name of the settings"
        raise Failure(Kind.RECIPIENT, Reason.BAD_ADDRESS, text)
    if not has_token:
        text = f"conversation {address}: the settings have no token; without one there are only {_listed(webhooks)}"
        raise Failure(Kind.RECIPIENT, Reason.NO_TOKEN, text)
    return Conversation(address)


def _webhook(name: str, webhooks: Collection[str]) -> Webhook:
    known = name.lower()
    if known in webhooks:
        return Webhook(known)
    asked = f"webhook {name}" if WEBHOOK_NAME.fullmatch(name) else "a webhook of that name"
    raise Failure(Kind.RECIPIENT, Reason.NO_SUCH_WEBHOOK, f"{asked} is not in the settings: {_listed(webhooks)}")


def _listed(webhooks: Collection[str]) -> str:
    return ", ".join(f"{WEBHOOK}{name}" for name in sorted(webhooks)) or "no webhooks there are"
