"""Parameters for each shipped template, made up by Faker; `docs/templates.md` lists what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from faker import Faker

DOMAIN = "example.org"
STATUSES = {
    "en": ["in review", "accepted", "declined", "published", "postponed"],
    "de": ["in Prüfung", "angenommen", "abgelehnt", "veröffentlicht", "verschoben"],
}


def make_up(template: str, queue: str, faker: Faker, language: str) -> dict[str, Any]:
    """Give parameters that fit a template of a queue; none where it is not a shipped one."""
    generator = GENERATORS.get(template)
    if generator is custom and queue != "email":
        generator = custom_text
    return generator(faker, language) if generator else {}


def confirm_email(faker: Faker, language: str) -> dict[str, Any]:
    """Give a link that confirms an address."""
    expires = {"en": "24 hours", "de": "24 Stunden"}[language]
    return {"name": faker.first_name(), "confirm_url": link(faker, "confirm"), "expires_in": expires}


def password_reset(faker: Faker, language: str) -> dict[str, Any]:
    """Give a link to choose a new password."""
    return {
        "name": faker.first_name(),
        "reset_url": link(faker, "reset"),
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
        "team_url": link(faker, "teams"),
    }


def event_submitted(faker: Faker, _language: str) -> dict[str, Any]:
    """Give what was submitted, with a table of details."""
    return {
        "name": faker.first_name(),
        "event": _title(faker),
        "submitted_by": faker.name(),
        "submitted_at": faker.date_time_this_year().strftime("%d.%m.%Y, %H:%M"),
        "details": {"Place": faker.city(), "Seats": str(faker.random_int(20, 400))},
        "event_url": link(faker, "events"),
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
        "event_url": link(faker, "events"),
    }


def custom(faker: Faker, _language: str) -> dict[str, Any]:
    """Give HTML of one's own."""
    return {
        "subject": _title(faker),
        "preheader": faker.sentence(),
        "html": f"<h1>{_title(faker)}</h1><p>{faker.paragraph()}</p><p><b>{faker.company()}</b></p>",
    }


def custom_text(faker: Faker, _language: str) -> dict[str, Any]:
    """Give a text of one's own, for a chat."""
    return {"subject": _title(faker), "text": "\n\n".join(faker.paragraphs(2))}


GENERATORS: dict[str, Callable[[Faker, str], dict[str, Any]]] = {
    "confirm_email": confirm_email,
    "password_reset": password_reset,
    "new_member": new_member,
    "events/submitted": event_submitted,
    "events/status_changed": event_status_changed,
    "custom": custom,
}


def link(faker: Faker, path: str) -> str:
    """Make up the address of a page."""
    return f"https://{DOMAIN}/{path}/{faker.hexify('^' * 20)}"


def _title(faker: Faker) -> str:
    return faker.sentence(nb_words=4).rstrip(".")
