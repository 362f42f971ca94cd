"""docs/messages.md says what the contract, the judgement and the headers really are."""

import json
import re
from typing import get_args

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from dispatcher.contract.attachments import Attachment, File
from dispatcher.contract.base import MOST_RECIPIENTS, Notification, decode
from dispatcher.contract.schema import json_schema
from dispatcher.contract.telegram import Button
from dispatcher.factories import NOTIFIERS, contract_of
from dispatcher.notifiers.email.extras import ALLOWED
from dispatcher.notifiers.telegram.compose import CAPTION_UNITS, MOST_PIECES, TEXT_UNITS
from dispatcher.notifiers.telegram.files import LIMITS
from dispatcher.settings import DEFAULT_LADDER
from dispatcher.words import messages
from dispatcher.words.errors import Kind, Reason
from dispatcher.words.outcomes import Outcome
from dispatcher.words.retries import HOLD
from tests.docs.pages import ROOT, Page

PAGE = Page("messages.md")
FIELD_CELLS = 4
QUEUES = {"email": "## E-mail", "telegram": "## Telegram", "slack": "## Slack"}
SCHEMAS = {queue: json_schema(queue, contract_of(queue)) for queue in NOTIFIERS}


def bodies() -> list[tuple[str, str]]:
    """Give every body on the page with its queue, those in the programs included."""
    (node,) = PAGE.examples("js")
    (python,) = PAGE.examples("python")
    (curl,) = (one for one in PAGE.examples("sh") if one.startswith("curl"))
    mails = [
        PAGE.examples("json")[0],
        re.findall(r"^const notification = (\{.*?^\});$", node, re.MULTILINE | re.DOTALL)[0],
        # The object is JSON but for the comma that Python likes at the end.
        re.findall(r"^notification = (\{.*?),\n\}$", python, re.MULTILINE | re.DOTALL)[0] + "}",
        json.loads(curl[curl.index("<<'END'\n") + 8 : curl.rindex("END")])["payload"],
    ]
    below = [(queue, body) for queue, heading in QUEUES.items() for body in PAGE.examples("json", heading)]
    return [*(("email", body) for body in mails), *below]


BODIES = bodies()


def test_every_queue_has_its_chapter():
    assert set(NOTIFIERS) == set(QUEUES)
    assert len(BODIES) == len(PAGE.examples("json")) + 3


@pytest.mark.parametrize(("queue", "body"), BODIES)
def test_each_body_is_in_the_contract(queue: str, body: str):
    _, unknown = decode(contract_of(queue), body.encode())
    errors = [error.message for error in Draft202012Validator(SCHEMAS[queue]).iter_errors(json.loads(body))]

    assert frozenset() == unknown
    assert [] == errors


@pytest.mark.parametrize("queue", QUEUES)
def test_every_field_is_shown_in_a_body(queue: str):
    shown = {name for of, body in BODIES if of == queue for name in json.loads(body)}

    assert set(SCHEMAS[queue]["properties"]) == shown


COMMON = {name: row for name, *row in PAGE.rows("## Fields")}
OWN = {
    queue: {name: row for name, *row in PAGE.rows(heading) if len(row) == FIELD_CELLS}
    for queue, heading in QUEUES.items()
}
"""The tables of objects within fields, below the same headings, have fewer columns."""


@pytest.mark.parametrize("queue", QUEUES)
def test_the_tables_of_fields_are_the_schema(queue: str):
    fields = {**COMMON, **OWN[queue]}

    assert set(Notification.model_fields) == set(COMMON)
    assert not set(COMMON) & set(OWN[queue])
    assert set(SCHEMAS[queue]["properties"]) == set(fields)
    assert set(SCHEMAS[queue]["required"]) == {name for name, row in fields.items() if row[1] == "required"}


@pytest.mark.parametrize("queue", QUEUES)
def test_the_examples_in_the_tables_are_in_the_contract(queue: str):
    least = {"template": "hello", "to": "ada@example.org"}
    for name, (_, _, _, example) in {**COMMON, **OWN[queue]}.items():
        if example:
            _, unknown = decode(contract_of(queue), json.dumps({**least, name: json.loads(example)}).encode())
            assert not unknown, name


@pytest.mark.parametrize(
    ("heading", "contract"),
    [("### Attachments", Attachment), ("### Buttons", Button), ("### Files for Telegram", File)],
)
def test_the_tables_of_objects_are_the_contract(heading: str, contract: type[BaseModel]):
    rows = {name: needed for name, _, needed, _ in PAGE.rows(heading)}

    assert rows == {
        name: "required" if field.is_required() else "optional" for name, field in contract.model_fields.items()
    }


def test_each_of_to_gets_a_message_of_its_own_where_the_page_says_so():
    for queue, heading in QUEUES.items():
        said = "**Each of `to` gets a message of its own**" in PAGE.section(heading)
        notification = contract_of(queue).model_validate({"template": "hello", "to": ["a", "b", "a"]})

        assert said is not notification.together
        assert len(notification.parts()) == (2 if said else 1)


def test_all_allowed_headers_are_named():
    section = PAGE.section("### Headers")
    allowed, _, _ = section.partition(". Any other name")

    assert {*ALLOWED, "List-…", "X-…"} == set(re.findall(r"`([^`]+)`", allowed))


def test_the_reasons_are_those_there_are():
    rows = PAGE.rows("## Reasons")

    assert list(Reason) == [reason for reason, _, _ in rows]
    assert {kind for _, kinds, _ in rows for kind in kinds.split(", ")} == set(Kind)


def test_each_reason_is_shown_with_the_kinds_that_the_code_gives_it():
    shown = {reason: set(kinds.split(", ")) for reason, kinds, _ in PAGE.rows("## Reasons")}
    source = "\n".join(path.read_text() for path in (ROOT / "dispatcher").rglob("*.py"))
    pairs = set(re.findall(r"Kind\.([A-Z_]+),\s*Reason\.([A-Z_0-9]+)", source))

    assert len(pairs) > 40  # those that are written side by side, which are most
    for kind, reason in pairs:
        assert Kind[kind] in shown[Reason[reason]], f"{Reason[reason]} is {Kind[kind]} somewhere"


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


def test_the_numbers_on_the_page_are_true():
    assert PAGE.says(f"**At most {MOST_RECIPIENTS:,} recipients**")
    assert PAGE.says(f"several messages of {TEXT_UNITS:,} UTF-16 units each, {MOST_PIECES} at most")
    assert PAGE.says(f"there is room for {CAPTION_UNITS:,} units")
    assert PAGE.says(f"{LIMITS['photo'] >> 20} MiB, {LIMITS['document'] >> 20} MiB (`too-large`)")
    assert PAGE.says(f"| {MOST_PIECES} messages of {TEXT_UNITS:,} UTF-16 units (`too-large`)")
    assert PAGE.says("a wait of more than two seconds")
    assert HOLD.total_seconds() == 2
