"""What the demonstration prints: the table of what arrived, the one that failed twice, the dead letter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from helpers.demo_queues import DeadLetter
    from helpers.demo_report import Account

WIDE = 120

console = Console()
if not console.is_terminal:
    console = Console(width=WIDE)  # in a file, nobody's terminal is too narrow


def show_arrived(account: Account) -> None:
    """Print what was expected, and how it arrived."""
    table = Table("Queue", "Template", "To", "Subject or first line", "Arrived after", "Attempts")
    for column in table.columns[:2]:
        column.no_wrap = True
    for column in table.columns[4:]:
        column.justify = "right"
    for one, messages in account.matched.items():
        title = messages[0].title if messages else ""
        # The clock of the last confirmation may be a moment behind a message that was quick.
        after = f"{max(0.0, messages[0].arrived - one.published) * 1000:,.0f} ms" if messages else "missing"
        times = f" ({len(messages)} times)" if len(messages) > 1 else ""
        attempts = str(account.attempts(one.message_id) or "")
        table.add_row(*map(plain, (one.queue, one.template, one.to, title, after + times, attempts)))
    console.print(table)


def show_attempts(to: str, lines: Sequence[Mapping[str, Any]]) -> None:
    """Print what became of one notification at each of its attempts."""
    table = Table("Attempt", "Outcome", "What was answered", "Again after", title=f"What failed twice: {plain(to)}")
    table.title_justify = "left"
    for line in lines:
        said = (str(line["attempt"]), line["outcome"], line.get("error", ""), line.get("retry_in", ""))
        table.add_row(*map(plain, said))
    console.print(table)


def show_letter(letter: DeadLetter) -> None:
    """Print a dead letter."""
    table = Table(show_header=False, title=f"What will never arrive: the dead letter in {plain(letter.queue)}")
    table.title_justify = "left"
    told = {
        "to": letter.to,
        "reason": letter.reason,
        "text": letter.error,
        "attempts": str(letter.attempts),
        "message id": letter.message_id,
    }
    for name, value in told.items():
        table.add_row(name, plain(value))
    console.print(table)


def plain(text: str) -> str:
    """Keep rich from reading markup in foreign text."""
    return text.replace("[", r"\[")
