"""The layout is the picture: imports go down only, siblings do not know each other, one library for each file."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "dispatcher"
FILES = sorted(PACKAGE.rglob("*.py"))
HELPERS = sorted((PACKAGE.parent / "helpers").rglob("*.py"))

FLOORS = {  # the higher the number, the higher the floor
    "words": 0,
    "contract": 1,
    "tls": 1,
    "buckets": 1,
    "backoff": 1,
    "cancelling": 1,
    "brokers": 2,
    "rendering": 2,
    "notifiers": 2,
    "observers": 2,
    "flow": 3,
    "settings": 4,
    "config": 5,
    "journal": 5,
    "health": 5,
    "manager": 5,
    "factories": 5,
    "metrics": 5,
    "service": 6,
    "crew": 6,
    "cli": 7,
    "main": 8,
    "__main__": 9,
}
PORTS = {"notifiers.base", "notifiers.ledger", "brokers.base"}
"""What the flow may know of the adapters."""

HOMES = {  # an outside library, and the only places that may import it
    "aio_pika": {"brokers/rabbitmq"},
    "aiormq": {"brokers/rabbitmq"},
    "pamqp": {"brokers/rabbitmq"},
    "yarl": {"brokers/rabbitmq/settings.py"},
    "aiosmtplib": {"notifiers/email"},
    "email_validator": {"notifiers/email/addresses.py"},
    "jinja2": {"rendering"},
    "markupsafe": {"rendering"},
    "telegram": {"notifiers/telegram"},
    "slack_sdk": {"notifiers/slack"},
    "aiohttp": {"notifiers/telegram", "notifiers/slack", "health.py", "cli/running.py"},
    "pyrate_limiter": {"buckets.py"},
    "inscriptis": {"rendering/plain_text.py"},
    "lxml": {"rendering/plain_text.py"},
    "yaml": {"config.py"},
    "structlog": {"observers", "cli/lines.py", "cli/log.py", "cli/serve.py"},
    "typer": {"cli"},
    "rich": {"cli"},
    "uvloop": {"cli/loop.py"},
    "prometheus_client": {"metrics.py"},
}
EVERYWHERE = {"pydantic", "pydantic_settings", "pydantic_core"}
"""The types of settings and messages; at home on every floor."""


def floor(module: str) -> int:
    return FLOORS[module.split(".")[1]]


def name_of(path: Path) -> str:
    return ".".join(["dispatcher", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def ours(path: Path) -> Iterator[str]:
    return (module for module in imports(path) if module.startswith("dispatcher."))


@pytest.mark.parametrize("path", [path for path in FILES if path != PACKAGE / "__init__.py"], ids=name_of)
def test_imports_go_down_only(path: Path):
    here = name_of(path)
    for module in ours(path):
        assert floor(module) <= floor(here), f"{here} looks up to {module}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_siblings_among_the_adapters_do_not_know_each_other(path: Path):
    here = name_of(path).split(".")
    if len(here) > 1 and FLOORS[here[1]] == FLOORS["brokers"]:
        for module in ours(path):
            parts = module.split(".")
            other = FLOORS[parts[1]] == FLOORS["brokers"] and parts[1] != here[1]
            assert not other, f"{name_of(path)} knows {module}"


def test_the_flow_knows_the_ports_and_no_adapter():
    for path in FILES:
        if name_of(path).startswith("dispatcher.flow"):
            for module in ours(path):
                known = module.removeprefix("dispatcher.")
                assert (
                    known.split(".")[0] in {"words", "contract", "buckets", "backoff", "cancelling", "flow"}
                    or known in PORTS
                ), f"{path} knows {module}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_an_outside_library_has_one_home(path: Path):
    for module in imports(path):
        library = module.split(".")[0]
        if library in HOMES:
            place = path.relative_to(PACKAGE).as_posix()
            assert any(place.startswith(home) for home in HOMES[library]), f"{place} imports {library}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_outside_library_is_known(path: Path):
    for module in imports(path):
        library = module.split(".")[0]
        known = library in {"dispatcher", *EVERYWHERE, *HOMES, *sys.stdlib_module_names}
        assert known, f"{name_of(path)} imports {library}, which has no home: give it one in HOMES, with its exceptions"


@pytest.mark.parametrize("path", HELPERS, ids=lambda path: path.name)
def test_helpers_do_not_know_the_package(path: Path):
    for module in imports(path):
        assert module.split(".")[0] != "dispatcher", f"{path.name} imports {module}; helpers are strangers"


def test_no_module_at_the_top_hides_one_of_the_standard_library_or_of_a_library():
    names = {path.stem if path.suffix else path.name for path in PACKAGE.iterdir() if not path.name.startswith("_")}

    assert not names & set(sys.stdlib_module_names)
    assert not names & {*HOMES, *EVERYWHERE}
