"""Notifications as a stranger would write them: made up by Faker, in nothing but the documented JSON.

`docs/messages.md` says what they may have; `parameters.py` makes up what the shipped templates want.
"""

from __future__ import annotations

import json
import random
import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faker import Faker

from helpers.parameters import DOMAIN, link, make_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Recipient = str | int

QUEUES = ("email", "telegram", "slack")
PERSONAL = 0.2
NOW_AND_THEN = 0.2
USED_ONCE = {"confirm_email", "password_reset"}
"""Their links must not be opened by a service that looks for a preview."""


@dataclass(frozen=True)
class Prepared:
    """A message ready to be published.

    Attributes:
        queue: where it goes.
        message_id: unique; the same again with the same seed.
        body: what goes into the queue, broken on purpose where it is a fault.
        template: for the summary.
        to: for the summary.
        messages: how many mails, or messages in chats, it asks for.

    """

    queue: str
    message_id: str
    body: bytes
    template: str
    to: tuple[str, ...]
    messages: int = 1


@dataclass
class Author:
    """Makes up notifications, always the same ones from the same seed.

    Attributes:
        seed: what everything follows from.
        to: whom to write to, instead of made-up ones.
        extra: parameters that win over the made-up ones.

    """

    seed: int
    to: Sequence[str] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._tongues = {"en": Faker("en_GB"), "de": Faker("de_AT")}
        for faker in self._tongues.values():
            faker.seed_instance(self.seed)

    def write(self, template: str, queue: str = "email") -> Prepared:
        """Make up one notification: mostly for one recipient, sometimes a personal message for each of a few."""
        language = "de" if self._now_and_then(PERSONAL) else "en"
        people = 1 if self.to or not self._now_and_then(PERSONAL) else self._chance.randint(2, 3)
        to = [_given(one, queue) for one in self.to] or [self._recipient(queue, language) for _ in range(people)]
        parameters = [self._parameters(template, queue, language) for _ in range(people)]
        notification: dict[str, Any] = {"template": template, "to": to[0] if len(to) == 1 else to}
        notification["parameters"] = parameters if people > 1 else parameters[0]
        if language == "de":
            notification["locale"] = "de"
        notification |= self._manners(queue, template)
        return self._prepare(queue, notification, people if queue == "email" else len(set(to)))

    def faults(self, queue: str = "email") -> Iterator[Prepared]:
        """Make up one of each thing that goes wrong at publishers."""
        whole = self._parameters("confirm_email", queue, "en")
        to = _given(self.to[0], queue) if self.to else self._recipient(queue, "en")
        yield self._prepare(queue, {"template": "no_such_template", "to": to, "parameters": whole}, 0)
        yield self._prepare(queue, {"template": "confirm_email", "to": to, "parameters": {}}, 0)
        cut = json.dumps({"template": "confirm_email", "to": to, "parameters": whole}).encode()[:-9]
        yield Prepared(queue, self._id(), cut, "(malformed JSON)", (str(to),), 0)
        yield self._prepare(queue, {"template": "confirm_email", "to": to, "parameters": whole, "colour": "green"}, 1)

    def _prepare(self, queue: str, notification: dict[str, Any], messages: int) -> Prepared:
        to = notification["to"]
        everyone = tuple(map(str, to if isinstance(to, list) else [to]))
        body = json.dumps(notification, ensure_ascii=False).encode()
        return Prepared(queue, self._id(), body, notification["template"], everyone, messages)

    def _id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    def _now_and_then(self, how_often: float = NOW_AND_THEN) -> bool:
        return self._chance.random() < how_often

    def _recipient(self, queue: str, language: str) -> Recipient:
        if queue == "email":
            return f"{self._tongues[language].user_name()}@{DOMAIN}"
        if queue == "slack":
            return f"#{self._tongues['en'].word().lower()}-{self._chance.randint(1, 999)}"
        # As Telegram gives them out: positive for people, negative for groups.
        person, group = self._chance.randint(10**8, 10**10), -(10**12) - self._chance.randint(10**8, 10**10)
        return group if self._now_and_then() else person

    def _manners(self, queue: str, template: str) -> dict[str, Any]:
        """Say now and then how it is to arrive, as the queue allows it."""
        if queue == "email":
            return {"reply_to": f"office@{DOMAIN}"} if self._now_and_then() else {}
        manners: dict[str, Any] = {}
        if template in USED_ONCE or self._now_and_then():
            manners["link_preview"] = False
        if self._now_and_then():
            manners["silent"] = True
        if self._now_and_then():
            manners["thread"] = 17 if queue == "telegram" else "1700000000.123456"
        if queue == "telegram" and self._now_and_then():
            manners["buttons"] = [{"text": "Open", "url": link(self._tongues["en"], "open")}]
        return manners

    def _parameters(self, template: str, queue: str, language: str) -> dict[str, Any]:
        return {**make_up(template, queue, self._tongues[language], language), **self.extra}


def _given(to: str, queue: str) -> Recipient:
    """Write the id of a chat as a number."""
    return int(to) if queue == "telegram" and re.fullmatch(r"-?\d+", to) else to
