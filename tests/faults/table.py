"""The table of the fault suite: gathered from all processes of a run, printed at its end, written into a page.

A plugin of pytest. Each case adds its row to its report, and a report finds its way to the process that prints, however
many run the tests. `make faults` writes the rows between two comments of `docs/reliability.md`.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

PROPERTY = "fault"
BEGIN = "<!-- the table of `make faults` begins -->"
END = "<!-- the table of `make faults` ends -->"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"

COLUMNS = {
    "case": "what happened",
    "messages": "messages",
    "lost": "lost",
    "twice": "came twice",
    "wire": "on the wire",
    "dead": "dead-lettered wrongly",
    "burnt": "attempts burnt",
    "recovered": "recovered after",
}

Cells = list[list[str]]


def cells(rows: Sequence[dict[str, Any]]) -> Cells:
    """Give the table as texts, its head first."""
    return [list(COLUMNS.values()), *([_text(name, row[name]) for name in COLUMNS] for row in rows)]


def _text(name: str, value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.1f} s" if name == "recovered" else str(value)


def aligned(table: Cells) -> Iterator[str]:
    """Give the lines for a terminal: texts to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        first, *rest = (
            text.ljust(width) if not at else text.rjust(width)
            for at, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join([first, *rest]).rstrip()


def markdown(table: Cells) -> str:
    """Give the table as Markdown."""
    head, *rows = table
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write(table: Cells, page: Path = PAGE) -> None:
    """Put the table into a page, between its two comments."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{markdown(table)}\n{END}{after}")


class Gathering:
    """Takes the rows out of the reports."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the row of a case that ended, well or not; the bench adds it last of all."""
        if report.when == "teardown":
            self.rows += [value for name, value in report.user_properties if name == PROPERTY]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print all of them; write them where that is asked for."""
        if not self.rows:
            return
        table = cells(self.rows)
        terminalreporter.section("the fault suite")
        for line in aligned(table):
            terminalreporter.write_line(line)
        if os.environ.get("FAULTS_PAGE"):
            write(table)
            terminalreporter.write_line(f"written into {PAGE.name}")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to gather."""
    config.pluginmanager.register(Gathering())
