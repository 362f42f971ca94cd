"""Notifications as a stranger would write them: made up by Faker, in nothing but the documented JSON.

One function for each shipped template gives parameters that fit it; `docs/templates.md` lists what they are.
"""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faker import Faker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DOMAIN = "example.org"
STATUSES = {
    "en": ["in review", "accepted", "declined", "published", "postponed"],
    "de": ["in Prüfung", "angenommen", "abgelehnt", "veröffentlicht", "verschoben"],
}
PERSONAL = 0.2


@dataclass(frozen=True)
class Prepared:
    """A message ready to be published.

    Attributes:
        message_id: unique; the same again with the same seed.
        body: what goes into the queue, broken on purpose where it is a fault.
        template: for the summary.
        to: for the summary.
        mails: how many mails it asks for.

    """

    message_id: str
    body: bytes
    template: str
    to: tuple[str, ...]
    mails: int = 1


@dataclass
class Author:
    """Makes up notifications, always the same ones from the same seed.

    Attributes:
        seed: what everything follows from.
        to: addresses to write to, instead of made-up ones.
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

    def write(self, template: str) -> Prepared:
        """Make up one notification: mostly for one person, sometimes a personal mail for each of a few."""
        language = "de" if self._chance.random() < PERSONAL else "en"
        people = 1 if self.to or self._chance.random() >= PERSONAL else self._chance.randint(2, 3)
        to = list(self.to) or [self._address(language) for _ in range(people)]
        parameters = [self._parameters(template, language) for _ in range(people)]
        notification: dict[str, Any] = {"template": template, "to": to[0] if len(to) == 1 else to}
        notification["parameters"] = parameters if people > 1 else parameters[0]
        if language == "de":
            notification["locale"] = "de"
        if self._chance.random() < PERSONAL:
            notification["reply_to"] = f"office@{DOMAIN}"
        return self._prepare(notification, mails=people)

    def faults(self) -> Iterator[Prepared]:
        """Make up one of each thing that goes wrong at publishers."""
        whole = self._parameters("confirm_email", "en")
        to = self.to[0] if self.to else self._address("en")
        yield self._prepare({"template": "no_such_template", "to": to, "parameters": whole}, mails=0)
        yield self._prepare({"template": "confirm_email", "to": to, "parameters": {}}, mails=0)
        cut = json.dumps({"template": "confirm_email", "to": to, "parameters": whole}).encode()[:-9]
        yield Prepared(self._id(), cut, "(malformed JSON)", (to,), 0)
        yield self._prepare({"template": "confirm_email", "to": to, "parameters": whole, "colour": "green"})

    def _prepare(self, notification: dict[str, Any], mails: int = 1) -> Prepared:
        to = notification["to"]
        everyone = tuple(to) if isinstance(to, list) else (to,)
        body = json.dumps(notification, ensure_ascii=False).encode()
        return Prepared(self._id(), body, notification["template"], everyone, mails)

    def _id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    def _address(self, language: str) -> str:
        return f"{self._tongues[language].user_name()}@{DOMAIN}"

    def _parameters(self, template: str, language: str) -> dict[str, Any]:
        made_up = GENERATORS[template](self._tongues[language], language) if template in GENERATORS else {}
        return {**made_up, **self.extra}


def confirm_email(faker: Faker, language: str) -> dict[str, Any]:
    """Give a link that confirms an address."""
    expires = {"en": "24 hours", "de": "24 Stunden"}[language]
    return {"name": faker.first_name(), "confirm_url": _link(faker, "confirm"), "expires_in": expires}


def password_reset(faker: Faker, language: str) -> dict[str, Any]:
    """Give a link to choose a new password."""
    return {
        "name": faker.first_name(),
        "reset_url": _link(faker, "reset"),
        "expires_in": {"en": "1 hour", "de": "1 Stunde"}[language],
        "ip_address": faker.ipv4_public(),
    }


def new_member(faker: Faker, _language: str) -> dict[str, Any]:
    """Give who has joined what."""
    return {
        "name": faker.first_name(),
        "member": faker.name(),
        "member_email": f"{faker.user_name()}@{DOMAIN}",
        "team": faker.company(),
        "role": faker.random_element(["Editor", "Reviewer", "Administrator"]),
        "invited_by": faker.name(),
        "team_url": _link(faker, "teams"),
    }


def event_submitted(faker: Faker, _language: str) -> dict[str, Any]:
    """Give what was submitted, with a table of details."""
    return {
        "name": faker.first_name(),
        "event": _title(faker),
        "submitted_by": faker.name(),
        "submitted_at": faker.date_time_this_year().strftime("%d.%m.%Y, %H:%M"),
        "details": {"Place": faker.city(), "Seats": str(faker.random_int(20, 400))},
        "event_url": _link(faker, "events"),
    }


def event_status_changed(faker: Faker, language: str) -> dict[str, Any]:
    """Give what has a new status."""
    previous, status = faker.random_elements(STATUSES[language], length=2, unique=True)
    return {
        "name": faker.first_name(),
        "event": _title(faker),
        "previous_status": previous,
        "status": status,
        "changed_by": faker.name(),
        "comment": "\n".join(faker.paragraphs(2)),
        "event_url": _link(faker, "events"),
    }


def custom(faker: Faker, _language: str) -> dict[str, Any]:
    """Give HTML of one's own."""
    return {
        "subject": _title(faker),
        "preheader": faker.sentence(),
        "html": f"<h1>{_title(faker)}</h1><p>{faker.paragraph()}</p><p><b>{faker.company()}</b></p>",
    }


GENERATORS: dict[str, Callable[[Faker, str], dict[str, Any]]] = {
    "confirm_email": confirm_email,
    "password_reset": password_reset,
    "new_member": new_member,
    "events/submitted": event_submitted,
    "events/status_changed": event_status_changed,
    "custom": custom,
}


def _link(faker: Faker, path: str) -> str:
    return f"https://{DOMAIN}/{path}/{faker.hexify('^' * 20)}"


def _title(faker: Faker) -> str:
    return faker.sentence(nb_words=4).rstrip(".")
