"""The package says what it needs, and what it is."""

import re
import sys
import tomllib
from pathlib import Path

from dispatcher import __version__
from tests.test_floors import FILES, imports

ROOT = Path(__file__).resolve().parent.parent
IMPORTED_AS = {"pyyaml": "yaml", "python_telegram_bot": "telegram"}

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def test_every_library_that_is_imported_is_asked_for():
    lines = [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
    asked = {re.split(r"[ (]", one)[0].replace("-", "_") for one in lines} | {"dispatcher"}
    asked = {IMPORTED_AS.get(name, name) for name in asked}
    imported = {module.split(".")[0] for path in FILES for module in imports(path)} - set(sys.stdlib_module_names)

    assert imported <= asked | {"pydantic_core"}  # pydantic's own half


def test_all_extras_together_are_an_extra_too():
    assert EXTRAS["all"] == [line for name, extra in EXTRAS.items() if name != "all" for line in extra]


def test_the_version_is_said_once_and_for_all():
    assert PROJECT["version"] == __version__


def test_the_changelog_is_open_for_what_comes():
    text = (ROOT / "CHANGELOG.md").read_text()

    assert "## [Unreleased]" in text or f"## [{__version__}]" in text


def test_nothing_in_the_repository_names_where_packages_come_from():
    assert not re.search(r"https?://[^\"]*\.whl", (ROOT / "poetry.lock").read_text())
