"""The work: templates on disk, and notifications that ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

BOTH = "hello"
"""The template with two parts: html of 5 kB, and a text."""

PAGE = "page"
"""The template with html only."""

LINES = 50
ITEMS = 5

HTML = (
    "<html><body><h1>Hello {{ name }}</h1>\n"
    + "".join(
        f"<p>Line {number} about {{{{ topic }}}} with some longer text that fills the line a bit more.</p>\n"
        for number in range(LINES)
    )
    + "{% for item in items %}<li>{{ item.name }}: {{ item.price }}</li>\n{% endfor %}</body></html>\n"
)
TEXT = "Hello {{ name }}\n\n" + "".join(f"Line {number} about {{{{ topic }}}}.\n" for number in range(20))


def write_templates(folder: Path) -> None:
    """Write what is rendered into `templates/` of a folder."""
    mails = folder / "templates" / "email"
    mails.mkdir(parents=True, exist_ok=True)
    (mails / f"{BOTH}.html.jinja2").write_text(HTML)
    (mails / f"{BOTH}.txt.jinja2").write_text(TEXT)
    (mails / f"{PAGE}.html.jinja2").write_text(HTML)


def parameters() -> dict[str, Any]:
    """Give what the templates ask for."""
    items = [{"name": f"n{number}", "price": number} for number in range(ITEMS)]
    return {"name": "Ada Löv", "topic": "engines", "items": items}


def mail(number: int, template: str = BOTH) -> dict[str, Any]:
    """Give a notification by mail, the body of a message in the queue `email`."""
    return {
        "template": template,
        "to": f"user{number}@example.org",
        "subject": "Hello there",
        "parameters": parameters(),
    }
