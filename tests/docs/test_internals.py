"""The page about internals speaks of functions that exist."""

import importlib
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "internals.md").read_text()
PLACES = {
    *(
        "brokers",
        "buckets",
        "cli",
        "config",
        "contract",
        "crew",
        "factories",
        "flow",
        "main",
        "manager",
        "metrics",
        "notifiers",
        "observers",
    ),
    *("rendering", "service", "settings", "words"),
}
NAMES = sorted(
    name
    for name in set(re.findall(r"`((?:\w+\.)+\w+)`", PAGE))
    if name.split(".")[0] in PLACES and not name.endswith(".py")
)
SETTINGS = {"service.drain_timeout", "service.processes"}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SETTINGS])
def test_a_name_on_the_page_exists(name: str):
    steps = name.split(".")
    for at in range(len(steps), 0, -1):
        try:
            found = importlib.import_module(".".join(["dispatcher", *steps[:at]]))
        except ModuleNotFoundError:
            continue
        for step in steps[at:]:
            # A port only announces what its adapters have to set.
            found = getattr(found, step) if hasattr(found, step) else found.__annotations__[step]
        return
    pytest.fail(f"there is no {name}")


def test_the_page_names_enough_to_follow():
    assert len(NAMES) > 30
