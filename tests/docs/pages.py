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

    @property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return re.sub(r"^```.*?^```$", "", self.text, flags=re.MULTILINE | re.DOTALL)

    def examples(self, language: str, heading: str | None = None) -> list[str]:
        """Give the blocks of code in a language, in their order; all, or those below a heading."""
        text = self.text if heading is None else self.section(heading)
        return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)

    def rows(self, heading: str) -> list[list[str]]:
        """Give the rows of the tables below a heading, without the first line of each; cells without backticks."""
        found = []
        for table in re.findall(r"(?:^\|.*\n)+", self.section(heading), re.MULTILINE):
            found += [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]
        return [[bare(cell) for cell in row] for row in found]

    def section(self, heading: str) -> str:
        """Give the text from a heading to the next one of its level or above."""
        lines: list[str] = []
        found = in_code = False
        for line in self.text.splitlines(keepends=True):
            in_code ^= line.startswith("```")  # a comment in a program is no heading
            marks = "" if in_code else re.match("#*", line)[0]
            if found and marks and len(marks) <= heading.count("#"):
                break
            lines += [line] if found else []
            found = found or line.rstrip() == heading
        assert found, f"{self.path.name} has no heading {heading!r}"
        return "".join(lines)

    def says(self, words: str) -> bool:
        """Tell whether these words stand on the page, however its lines are broken."""
        return words in " ".join(self.text.split())

    def anchors(self) -> set[str]:
        """Give what a link may point to within the page."""
        headings = re.findall(r"^#+ (.+)$", self.text, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def bare(cell: str) -> str:
    """Take the backticks off a cell that is one piece of code."""
    found = re.fullmatch(r"`([^`]*)`", cell)
    return found[1] if found else cell
