"""The published schemas of all queues, and the code that reads the messages, say the same."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dispatcher.contract.base import decode
from dispatcher.contract.schema import json_schema
from dispatcher.factories import NOTIFIERS, contract_of
from dispatcher.words.errors import Failure

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "schema"
FILE = {"filename": "a.pdf", "content": "QUJD"}
LINK = {"text": "Open", "url": "https://example.org/"}

each_queue = pytest.mark.parametrize("queue", NOTIFIERS)


def published(queue: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((FOLDER / f"{queue}.json").read_text(encoding="utf-8"))
    return schema


@each_queue
def test_what_is_published_is_made_of_the_code(queue: str):
    assert json_schema(queue, contract_of(queue)) == published(queue), "run: make schema"


@each_queue
def test_it_is_a_schema(queue: str):
    jsonschema.Draft202012Validator.check_schema(published(queue))


def test_there_is_one_for_each_queue():
    assert {f"{queue}.json" for queue in NOTIFIERS} == {path.name for path in FOLDER.iterdir()}


def taken_by(queue: str, body: Any) -> tuple[bool, bool]:
    """Tell whether the schema takes it, and whether the code does."""
    checker = jsonschema.Draft202012Validator(published(queue), format_checker=jsonschema.FormatChecker())
    try:
        decode(contract_of(queue), json.dumps(body).encode())
    except Failure:
        return checker.is_valid(body), False
    return checker.is_valid(body), True


@pytest.mark.parametrize(
    ("queue", "fields"),
    [
        ("telegram", {"to": 4711}),
        ("telegram", {"to": ["-1001234567890", "@names", -5], "parameters": [{}, {}, {}]}),
        ("telegram", {"to": 1, "silent": True, "thread": 5, "topic": 2, "link_preview": None, "expires_at": None}),
        ("telegram", {"to": 1, "buttons": [LINK, LINK], "photo": LINK["url"]}),
        ("telegram", {"to": 1, "buttons": [[LINK, LINK], [LINK]], "document": FILE, "locale": "de"}),
        ("slack", {"to": "#alerts"}),
        ("slack", {"to": ["C024BE91L", "webhook:alerts"], "thread": "1700000000.123456", "silent": False}),
        ("slack", {"to": "#a", "link_preview": False, "future": {"field": 1}}),
    ],
)
def test_both_take_it(queue: str, fields: dict[str, Any]):
    assert (True, True) == taken_by(queue, {"template": "custom", **fields})


@pytest.mark.parametrize(
    ("queue", "fields"),
    [
        ("telegram", {}),
        ("telegram", {"to": []}),
        ("telegram", {"to": ""}),
        ("telegram", {"to": 1.5}),
        ("telegram", {"to": True}),
        ("telegram", {"to": 1, "silent": "yes"}),
        ("telegram", {"to": 1, "thread": "17"}),
        ("telegram", {"to": 1, "topic": 0}),
        ("telegram", {"to": 1, "buttons": []}),
        ("telegram", {"to": 1, "buttons": [[]]}),
        ("telegram", {"to": 1, "buttons": [{"text": "Open"}]}),
        ("telegram", {"to": 1, "photo": {"filename": "a"}}),
        ("slack", {"to": 4711}),
        ("slack", {"to": ["#a", 5]}),
        ("slack", {"to": "#a", "thread": 1700000000.123456}),
        ("slack", {"to": "#a", "thread": "17"}),
        ("slack", {"to": "#a", "parameters": "x"}),
    ],
)
def test_neither_takes_it(queue: str, fields: dict[str, Any]):
    assert (False, False) == taken_by(queue, {"template": "custom", **fields})
