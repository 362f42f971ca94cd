"""Tables: the same one for a terminal and for a page."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

from rich.table import Table as Shown

WIDE = 120


def wrapped(text: str) -> str:
    """Break a paragraph into lines as long as a page has them."""
    return textwrap.fill(text, WIDE, break_long_words=False, break_on_hyphens=False)


@dataclass
class Table:
    """A table with its title and what must be said about it."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    note: str = ""

    def shown(self) -> Shown:
        """Give it for a terminal."""
        table = Shown(title=self.title, title_justify="left", caption=self.note or None, caption_justify="left")
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*row, style="bold" if row[0].startswith("dispatcher") else "")
        return table

    def markdown(self) -> str:
        """Give it for a page."""
        rows = [self.columns, ("---", *["--:"] * (len(self.columns) - 1)), *self.rows]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join([f"**{self.title}**", "", *lines, *(["", wrapped(self.note)] if self.note else [])])
