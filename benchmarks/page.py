"""The page: the tables of each measurement between two comments of their own, the machine and the command below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import machine
from benchmarks.tables import wrapped

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.tables import Table


class NoPlaceError(Exception):
    """The page has no place for the tables of a measurement."""


def markers(name: str) -> tuple[str, str]:
    """Give the comments between which the tables of a measurement stand."""
    return f"<!-- `make bench`, {name}, begins -->", f"<!-- `make bench`, {name}, ends -->"


def replaced(text: str, name: str, tables: list[Table], seen: dict[str, str]) -> str:
    """Give a page with the tables of a measurement written anew.

    Raises:
        NoPlaceError: one of the comments is missing.

    """
    begin, end = markers(name)
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise NoPlaceError(f"The page has no place for {name}: it wants the lines {begin} and {end}.")
    body = "\n\n".join([*(table.markdown() for table in tables), wrapped(machine.sentence(seen))])
    return f"{before}{begin}\n\n{body}\n\n{end}{after}"


def write(page: Path, tables: dict[str, list[Table]], seen: dict[str, str]) -> None:
    """Write the tables of all measurements that were made into a page.

    Raises:
        NoPlaceError: there is no place for one of them.

    """
    text = page.read_text()
    for name, some in tables.items():
        text = replaced(text, name, some, seen)
    page.write_text(text)
