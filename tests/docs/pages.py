"""The pages under `docs/`, read by a test: their examples and their tables."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class Page:
    """One page.

    Args:
        name: of the file under `docs/`.

    """

    def __init__(self, name: str) -> None:
        self.path = ROOT / "docs" / name
        self.text = self.path.read_text(encoding="utf-8")

    def examples(self, language: str) -> list[str]:
        """Give the blocks of code in a language, in their order."""
        return re.findall(rf"^```{language}\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)

    def rows(self, heading: str) -> list[list[str]]:
        """Give the rows of the tables below a heading, without the first line of each; cells without backticks."""
        found = []
        for table in re.findall(r"(?:^\|.*\n)+", self.section(heading), re.MULTILINE):
            found += [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]
        return [[bare(cell) for cell in row] for row in found]

    def section(self, heading: str) -> str:
        """Give the text from a heading to the next one of its level or above."""
        level = heading.split(" ", maxsplit=1)[0]
        _, found, rest = f"\n{self.text}".partition(f"\n{heading}\n")
        assert found, f"{self.path.name} has no heading {heading!r}"
        return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]

    def anchors(self) -> set[str]:
        """Give what a link may point to within the page."""
        headings = re.findall(r"^#+ (.+)$", self.text, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def bare(cell: str) -> str:
    """Take the backticks off a cell that is one piece of code."""
    found = re.fullmatch(r"`([^`]*)`", cell)
    return found[1] if found else cell
