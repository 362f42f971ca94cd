"""The shipped templates and their parameters, as docs/templates.md lists them."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/templates.md").read_text(encoding="utf-8")
QUEUES = ("email", "telegram", "slack")

_ROW = re.compile(r"^\| ([^|]+) \| `(\w+)` \| ([^|]+) \| (required|optional) \|", re.MULTILINE)
_FIRST = re.compile(r"(?:`([\w/]+)`|every template)(?: in ((?:`\w+`(?:, )?)+))?")


class Parameter(NamedTuple):
    """What the page says of one.

    Attributes:
        kind: `string`, `URL`, `object of strings`…
        required: whether the template cannot do without it.

    """

    kind: str
    required: bool


def shipped(queue: str) -> dict[str, dict[str, Parameter]]:
    """Give template → parameter → what the page says, for a queue."""
    found: dict[str, dict[str, Parameter]] = {}
    for first, parameter, kind, needed in _ROW.findall(PAGE):
        who = _FIRST.fullmatch(first)
        assert who, f"{first!r} is no template"
        if f"`{queue}`" in (who[2] or f"`{queue}`"):
            found.setdefault(who[1] or "", {})[parameter] = Parameter(kind, needed == "required")
    common = found.pop("")
    return {template: {**common, **own} for template, own in found.items()}


def on_disk(queue: str) -> set[str]:
    """Give the names of the templates that are there."""
    folder = ROOT / "templates" / queue
    names = {path.relative_to(folder).as_posix().split(".")[0] for path in folder.rglob("*.jinja2")}
    return {name for name in names if not name.startswith(("layouts/", "macros/"))}
