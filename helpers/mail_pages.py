"""The pages of the mail catcher. Everything that came in a mail goes through `escape`, without exception."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from helpers.caught_mail import Mail

STYLE = """
:root { color-scheme: light dark; --quiet: light-dark(#667, #99a); --line: light-dark(#dde, #334); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; } h2 { font-size: 1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; }
th, td { padding: .4rem .6rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
         overflow-wrap: anywhere; }
th, .quiet { color: var(--quiet); font-weight: normal; } .time { white-space: nowrap; }
iframe { width: 100%; height: 70vh; border: 1px solid var(--line); border-radius: .4rem; background: #fff; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; border: 1px solid var(--line);
      border-radius: .4rem; }
"""


def listing(mails: Sequence[Mail]) -> str:
    """Give the list, newest first; it looks for new ones by itself."""
    rows = "".join(
        f'<tr><td class="quiet time">{_time(mail)}</td><td><a href="/mail/{mail.number}">{_subject(mail)}</a></td>'
        f"<td>{escape(mail.header('To') or ', '.join(mail.recipients))}</td></tr>"
        for mail in reversed(mails)
    )
    nothing = '<p class="quiet">None yet. This page looks again every three seconds.</p>'
    table = f"<table><tr><th>Arrived<th>Subject<th>To</tr>{rows}</table>" if mails else nothing
    return _page("Mails", f"<h1>Mails ({len(mails)})</h1>{table}", head='<meta http-equiv="refresh" content="3">')


def one(mail: Mail) -> str:
    """Give the page of one mail."""
    envelope = [("Envelope from", mail.sender), ("Envelope to", ", ".join(mail.recipients))]
    files = [(name or "(no name)", kind) for name, kind in mail.files()]
    html, text = mail.html(), mail.text()
    parts = [
        f'<p><a href="/">All mails</a> · <a href="/mail/{mail.number}/source">Source</a></p>',
        f'<h1>{_subject(mail)}</h1><p class="quiet">{_time(mail)}, {len(mail.raw)} bytes</p>',
        _table([(name, mail.header(name)) for name in ("From", "To", "Cc", "Reply-To") if mail.header(name)]),
        f'<h2>HTML</h2><iframe sandbox src="/mail/{mail.number}/html"></iframe>' if html is not None else "",
        f"<h2>Text</h2><pre>{escape(text)}</pre>" if text is not None else "",
        f"<h2>Attachments</h2>{_table(files)}" if files else "",
        f"<h2>Headers</h2>{_table([*envelope, *mail.headers()])}",
    ]
    return _page(mail.header("Subject") or "(no subject)", "".join(parts))


def _page(title: str, body: str, head: str = "") -> str:
    start = '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    start += '<meta name="viewport" content="width=device-width, initial-scale=1">'
    return f"{start}<title>{escape(title)}</title>{head}<style>{STYLE}</style></head><body>{body}</body></html>"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    return (
        "<table>" + "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td>" for name, value in rows) + "</table>"
    )


def _subject(mail: Mail) -> str:
    return escape(mail.header("Subject")) or "(no subject)"


def _time(mail: Mail) -> str:
    return datetime.fromtimestamp(mail.arrived).astimezone().strftime("%H:%M:%S")
