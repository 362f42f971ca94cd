"""docs/settings.md names exactly the settings that there are, with their true defaults."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from dispatcher.config import setup
from dispatcher.metrics import exposition
from dispatcher.settings import Settings
from dispatcher.words.health import Health, State, from_json, to_json
from dispatcher.words.rates import parse_rate
from tests.docs.pages import Page

PAGE = Page("settings.md")
IN_EARNEST, ALL, PACES, AUTHORITY = PAGE.examples("yaml")
TABLE = {name: default for name, default, _ in PAGE.rows("## All settings")}
DEFAULTS = Settings()


def leaves(section: BaseModel, place: str = "") -> Iterator[tuple[str, Any]]:
    """Walk the tree: each setting with its value."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from leaves(value, f"{place}{name}.")
        else:
            yield f"{place}{name}", value


def nested(values: dict[str, Any]) -> dict[str, Any]:
    """Make sections of names with dots."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *sections, last = name.split(".")
        section = tree
        for one in sections:
            section = section.setdefault(one, {})
        section[last] = value
    return tree


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with templates, so that these are the default."""
    (tmp_path / "templates").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_table_names_every_setting_and_no_other():
    assert dict(leaves(DEFAULTS)).keys() == TABLE.keys()


def test_the_table_shows_the_true_defaults():
    shown = {name: None if text == "unset" else yaml.safe_load(text) for name, text in TABLE.items()}

    assert Settings.model_validate(nested(shown)) == DEFAULTS
    assert {name for name, value in leaves(DEFAULTS) if value is None} == {
        name for name, text in TABLE.items() if text == "unset" or (text == "none" and ".pace." in name)
    }


def test_a_default_is_shown_the_way_it_is_written():
    tree = DEFAULTS.model_dump(mode="json")
    for name, text in TABLE.items():
        value = tree
        for step in name.split("."):
            value = value[step]
        hidden = name.rpartition(".")[2] in {"url", "password"}
        # 2 minutes are shown as 2m, whatever else they could be called; 60s is the one that reads better so.
        assert hidden or text == "unset" or yaml.safe_load(text) == value or (text, value) == ("60s", "1m"), name


def test_every_setting_has_its_variable(monkeypatch: pytest.MonkeyPatch):
    for name, text in TABLE.items():
        if text != "unset":
            monkeypatch.setenv("DISPATCHER_" + name.upper().replace(".", "__"), text)

    assert setup({}) == setup({"service": {"templates": {"path": "templates"}}}) == DEFAULTS


def test_the_variables_that_are_shown_do_something(monkeypatch: pytest.MonkeyPatch):
    (variables,) = PAGE.examples("sh", "## Where they come from")
    for line in variables.splitlines():
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value.strip('"'))
    changed = dict(leaves(setup()))

    different = {name for name, value in leaves(DEFAULTS) if changed[name] != value}
    assert {"notifiers.email.host", "brokers.rabbitmq.prefetch", "service.retry.ladder"} == different


def test_the_file_with_all_of_them_is_the_defaults(folder: Path):
    (folder / "dispatcher.yml").write_text(ALL)
    written = yaml.safe_load(ALL)

    assert setup() == DEFAULTS
    assert {name for name, _ in leaves(DEFAULTS)} == set(names(written))


def names(tree: dict[str, Any], place: str = "") -> Iterator[str]:
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            yield from names(value, f"{place}{name}.")
        else:
            yield f"{place}{name}"


@pytest.fixture
def etc(folder: Path) -> Path:
    """A folder for a configuration, with the files that the examples name; not the current one."""
    etc = folder / "etc"
    for name, text in {
        "secrets/rabbitmq-url": "amqps://ada:hunter2@mq.example.org/shop\n",
        "secrets/smtp-password": "hunter3\n",
        "secrets/telegram-token": "4711:hunter4\n",
        "secrets/slack-token": "xoxb-hunter5\n",
        "certificates/authority.pem": "",
    }.items():
        (etc / name).parent.mkdir(parents=True, exist_ok=True)
        (etc / name).write_text(text)
    return etc


def test_the_example_in_earnest_loads(etc: Path):
    (etc / "dispatcher.yml").write_text(IN_EARNEST)
    settings = setup(file_path=etc / "dispatcher.yml")
    email = settings.notifiers.email

    assert "amqps://mq.example.org:5671/shop" == settings.brokers.rabbitmq.address
    assert etc / "templates" == settings.service.templates.path
    assert ("smtp.example.org", 587, "starttls", "dispatcher") == (email.host, email.port, email.tls, email.username)
    assert email.password is not None
    assert "hunter3" == email.password.get_secret_value()
    telegram, slack = settings.notifiers.telegram, settings.notifiers.slack
    assert (None, None) == (telegram.off, slack.off)
    assert telegram.token is not None
    assert "4711:hunter4" == telegram.token.get_secret_value()
    assert ["alerts"] == list(slack.webhooks)


def test_the_example_with_an_authority_loads(etc: Path):
    (etc / "dispatcher.yml").write_text(AUTHORITY)
    settings = setup(file_path=etc / "dispatcher.yml")

    assert etc / "certificates/authority.pem" == settings.brokers.rabbitmq.ca_file
    assert etc / "certificates/authority.pem" == settings.notifiers.email.ca_file


def test_the_python_example_runs(etc: Path, folder: Path):
    (etc / "dispatcher.yml").write_text("service: {drain_timeout: 5s}")
    (example,) = PAGE.examples("python")
    known: dict[str, Any] = {}
    exec(compile(example, str(PAGE.path), "exec"), known)

    assert "smtp.example.org" == known["settings"].notifiers.email.host


def test_the_kinds_of_tls_are_those_there_are():
    kinds = [row[0] for row in PAGE.rows("## TLS")]
    for kind in kinds:
        assert kind == setup({"notifiers": {"email": {"tls": kind}}}).notifiers.email.tls
    assert 3 == len(kinds)


def test_the_example_with_paces_loads(folder: Path):
    (folder / "dispatcher.yml").write_text(PACES)
    notifiers = setup().notifiers
    paces = [notifiers.email.pace.of(domain) for domain in ("example.org", "example.com", "example.net")]

    assert [None, parse_rate("500/h"), parse_rate("10/s")] == paces
    assert ("25/s", "1/s") == (str(notifiers.telegram.pace.bot), str(notifiers.telegram.pace.chat))


def test_each_rate_on_the_page_is_one():
    rates = re.findall(r"`(\d+/\w+)`", PAGE.section("## Paces"))

    assert {"30/s", "20/m", "1/10s", "500/h"} == set(rates)
    assert all(rate == str(parse_rate(rate)) for rate in rates)


def test_webhooks_can_come_from_a_variable_or_a_file(monkeypatch: pytest.MonkeyPatch, folder: Path):
    (line,) = PAGE.examples("sh", "## Telegram and Slack elsewhere")
    name, _, value = shlex.split(line)[0].partition("=")
    (folder / "webhooks").write_text(value)
    monkeypatch.setenv(name, value)
    by_variable = setup()
    monkeypatch.delenv(name)
    by_file = setup({"notifiers": {"slack": {"webhooks_file": "webhooks"}}})

    for settings in (by_variable, by_file):
        assert settings.notifiers.slack.webhooks["alerts"].get_secret_value() == json.loads(value)["alerts"]
        assert "hooks.slack.com" not in repr(settings)


def test_what_is_off_is_said_as_on_the_page():
    off = {queue: getattr(DEFAULTS.notifiers, queue).off for queue in type(DEFAULTS.notifiers).model_fields}

    assert {"email": None, "telegram": "no token", "slack": "no token and no webhook"} == off
    assert PAGE.says(f"`telegram: off, {off['telegram']}; 12 waiting`")


def test_the_chapter_on_health_is_what_the_page_of_a_daemon_says():
    (example,) = PAGE.examples("json", "## Health")
    rows = [name for name, _ in PAGE.rows("## Health")]
    health = from_json(json.loads(example))

    assert {"/health", "/ready", "/", "/metrics", *State} == set(rows)
    assert json.loads(example) == to_json(health)


def test_the_metrics_are_those_there_are():
    rows = [name for name, _ in PAGE.rows("## Metrics")]
    text = exposition(Health(), {}).decode()

    assert set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)) == set(rows)
    assert len(rows) == len(set(rows))
