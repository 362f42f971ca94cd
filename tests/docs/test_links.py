"""What the pages refer to is there, and lines fit."""

import os
import re

import pytest

from tests.docs.pages import ROOT, Page

DOCS = ROOT / "docs"
BESIDE = [f"../{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")]
PAGES = [*sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")), *BESIDE]


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str):
    page = Page(name)
    for target in re.findall(r"\]\(([^)]+)\)", page.prose):
        file, _, anchor = target.partition("#")
        if file.startswith("https://"):
            continue
        linked = Page(os.path.relpath(page.path.parent / file, DOCS)) if file.endswith(".md") else page
        assert (page.path.parent / file).exists(), target
        assert not anchor or anchor in linked.anchors(), target


@pytest.mark.parametrize("name", PAGES)
def test_lines_fit(name: str):
    unbreakable = ("|", '  "payload": ')  # a row of a table, a string in JSON
    long = [line for line in Page(name).text.splitlines() if len(line) > 120 and not line.startswith(unbreakable)]

    assert [] == long
