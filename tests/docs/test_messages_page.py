"""docs/messages.md says what the contract, the judgement and the headers really are."""

import json
import re
from typing import get_args

import pytest
from jsonschema import Draft202012Validator

from dispatcher.contract.attachments import Attachment
from dispatcher.contract.base import decode
from dispatcher.contract.email import EmailNotification
from dispatcher.notifiers.email.extras import ALLOWED
from dispatcher.settings import DEFAULT_LADDER
from dispatcher.words import messages
from dispatcher.words.errors import Kind, Reason
from dispatcher.words.outcomes import Outcome
from tests.docs.pages import ROOT, Page

PAGE = Page("messages.md")
SCHEMA = json.loads((ROOT / "docs/schema/email.json").read_text())


def bodies() -> list[str]:
    """Give every body on the page, those in the programs included."""
    (node,) = PAGE.examples("js")
    (python,) = PAGE.examples("python")
    (curl,) = (one for one in PAGE.examples("sh") if one.startswith("curl"))
    return [
        *PAGE.examples("json"),
        re.findall(r"^const notification = (\{.*?^\});$", node, re.MULTILINE | re.DOTALL)[0],
        # The object is JSON but for the comma that Python likes at the end.
        re.findall(r"^notification = (\{.*?),\n\}$", python, re.MULTILINE | re.DOTALL)[0] + "}",
        json.loads(curl[curl.index("<<'END'\n") + 8 : curl.rindex("END")])["payload"],
    ]


BODIES = bodies()


@pytest.mark.parametrize("body", BODIES)
def test_each_body_is_in_the_contract(body: str):
    _, unknown = decode(EmailNotification, body.encode())
    errors = [error.message for error in Draft202012Validator(SCHEMA).iter_errors(json.loads(body))]

    assert frozenset() == unknown
    assert [] == errors


def test_every_field_is_shown_in_a_body():
    shown = {name for body in BODIES for name in json.loads(body)}

    assert set(SCHEMA["properties"]) == shown


FIELDS = {name: row for name, *row in PAGE.rows("## Fields") if len(row) == 4}
"""The other tables below that heading have fewer columns."""


def test_the_table_of_fields_is_the_schema():
    assert set(SCHEMA["properties"]) == set(FIELDS)
    assert set(SCHEMA["required"]) == {name for name, row in FIELDS.items() if row[1] == "required"}


def test_the_examples_in_the_table_are_in_the_contract():
    least = {"template": "hello", "to": "ada@example.org"}
    for name, (_, _, _, example) in FIELDS.items():
        if example:
            _, unknown = decode(EmailNotification, json.dumps({**least, name: json.loads(example)}).encode())
            assert not unknown, name


def test_the_table_of_attachments_is_the_contract():
    rows = {name: needed for name, _, needed, _ in PAGE.rows("### Attachments")}
    fields = EmailNotification.model_fields["attachments"].annotation

    assert list[Attachment] == fields
    assert {
        name: "required" if field.is_required() else "optional" for name, field in Attachment.model_fields.items()
    } == rows


def test_all_allowed_headers_are_named():
    section = PAGE.section("### Headers")
    allowed, _, _ = section.partition(". Any other name")

    assert {*ALLOWED, "List-…", "X-…"} == set(re.findall(r"`([^`]+)`", allowed))


def test_the_reasons_are_those_there_are():
    rows = PAGE.rows("## Reasons")

    assert list(Reason) == [reason for reason, _, _ in rows]
    assert {kind for _, kinds, _ in rows for kind in kinds.split(", ")} == set(Kind)


def test_the_kinds_are_those_there_are():
    kinds = [row[0] for row in PAGE.rows("## What becomes of a message") if len(row) == 3]

    assert set(Kind) == set(kinds)


def test_the_outcomes_are_those_there_are():
    outcomes = [row[0] for row in PAGE.rows("## What becomes of a message") if len(row) == 2]

    assert {outcome.__name__.lower() for outcome in get_args(Outcome)} == set(outcomes)


def test_the_headers_of_a_dead_letter_are_those_there_are():
    ours = {value for value in vars(messages).values() if isinstance(value, str) and value.startswith(messages.PREFIX)}

    assert ours - {messages.PREFIX} == {name for name, _, _ in PAGE.rows("## Dead letters")}


def test_the_ladder_is_the_default():
    said = re.search(r"by default 10 seconds, 1 minute, 10 minutes, 1 hour, 6 hours: six attempts", PAGE.text)

    assert said
    assert [10, 60, 600, 3_600, 21_600] == [rung.total_seconds() for rung in DEFAULT_LADDER]
