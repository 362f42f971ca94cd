"""The contract of the queue `email`: code and published schema say the same."""

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.contract.base import decode
from dispatcher.contract.email import EmailNotification
from dispatcher.contract.schema import json_schema
from dispatcher.words.errors import Failure

SCHEMA = json_schema("email", EmailNotification)
GOOD = {"template": "confirm_email", "to": "ada@example.org"}


def read(**fields: Any) -> EmailNotification:
    notification, _ = decode(EmailNotification, json.dumps({**GOOD, **fields}).encode())
    return notification


def accepted_by_schema(body: Any) -> bool:
    validator = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    return validator.is_valid(body)


def accepted_by_code(body: Any) -> bool:
    try:
        decode(EmailNotification, json.dumps(body).encode())
    except Failure:
        return False
    return True


def reason_of(body: bytes) -> str:
    with pytest.raises(Failure) as failed:
        decode(EmailNotification, body)
    assert failed.value.text
    return failed.value.reason


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        {**GOOD, "to": ["a@x.org", "B <b@x.org>"], "parameters": [{}, {"a": [1, {"b": None}]}]},
        {
            **GOOD,
            "from": "Shop <shop@x.org>",
            "reply_to": ["a@x.org"],
            "cc": "c@x.org",
            "bcc": ["d@x.org"],
            "subject": "Hi",
            "locale": "de-AT",
            "expires_at": "2030-01-01T00:00:00Z",
            "headers": {"X-Shop": "1"},
            "attachments": [{"filename": "a.pdf", "content": "QUJD", "content_type": "application/pdf"}],
        },
        {**GOOD, "subject": None, "parameters": None, "attachments": None, "future": {"field": 1}},
    ],
)
def test_what_the_schema_takes_the_code_takes(body: dict[str, Any]):
    assert (True, True) == (accepted_by_schema(body), accepted_by_code(body))


@pytest.mark.parametrize(
    "changes",
    [
        {"template": 5},
        {"template": ""},
        {"to": []},
        {"to": ""},
        {"to": 5},
        {"to": [""]},
        {"parameters": "x"},
        {"parameters": [1]},
        {"subject": ["x"]},
        {"reply_to": 1},
        {"cc": {}},
        {"attachments": {}},
        {"attachments": [{"content": "QUJD"}]},
        {"attachments": [{"filename": "a", "content": 5}]},
        {"headers": {"X-A": 1}},
        {"locale": "not a locale"},
        {"locale": "en" + "-a" * 8_000},
        {"attachments": [{"filename": "a", "content": "QUJD"}] * 101},
        {"expires_at": "tomorrow"},
        {"expires_at": 5},
        {"expires_at": 1.5},
        {"expires_at": "5"},
        {"expires_at": "2030-01-01"},
        {"expires_at": "2030-01-01T00:00:00"},
        {"expires_at": "2030-01-01T00:00Z"},
        {"expires_at": "2030-13-01T00:00:00Z"},
    ],
)
def test_what_the_schema_refuses_the_code_refuses(changes: dict[str, Any]):
    body = {**GOOD, **changes}

    assert (False, False) == (accepted_by_schema(body), accepted_by_code(body))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda some: (
            st.lists(some) | st.dictionaries(st.sampled_from([*EmailNotification.model_fields, "from", "x"]), some)
        ),
        max_leaves=12,
    )
)
def test_any_json_is_either_read_or_malformed(body: Any):
    assert accepted_by_code(body) or "malformed" == reason_of(json.dumps(body).encode())


@given(st.binary())
def test_random_bytes_are_malformed(body: bytes):
    assert "malformed" == reason_of(body)


@pytest.mark.parametrize("name", ["events/submitted", "confirm_email.html", "confirm_email.html.jinja2", "a b", "ä-1"])
def test_a_template_may_be_named(name: str):
    assert name.removesuffix(".jinja2").removesuffix(".html") == read(template=name).template


@pytest.mark.parametrize(
    "name",
    ["../x", "/x", "x/../y", "x//y", "x/", "..", ".", "x\\y", "x\0", ".hidden", "x/.hidden", "x..y", "C:x", "x\n"],
)
def test_a_template_name_cannot_leave_its_folder(name: str):
    with pytest.raises(Failure, match="template: is not the name of a template"):
        read(template=name)


@pytest.mark.parametrize(
    "time",
    ["2030-01-31T12:00:00Z", "2030-01-31T13:30:00+01:30", "2030-01-31T12:00:00.0000000Z", "2030-01-31t12:00:00z"],
)
def test_a_time_has_a_zone_and_any_precision(time: str):
    assert datetime(2030, 1, 31, 12, tzinfo=UTC) == read(expires_at=time).expires_at


@pytest.mark.parametrize("time", [5, True, "5", "2030-01-31T12:00:00"])
def test_what_is_no_time_is_answered_with_an_example(time: Any):
    with pytest.raises(Failure, match=r"^expires_at: must be a time with its zone .*, like 2030-01-31T12:00:00Z$"):
        read(expires_at=time)


def test_one_object_means_one_part_for_everybody():
    (part,) = read(to=["a@x.org", "b@x.org"], cc="c@x.org", bcc="d@x.org", parameters={"n": 1}).parts()

    assert [(0, "a@x.org", "to"), (1, "b@x.org", "to"), (2, "c@x.org", "cc"), (3, "d@x.org", "bcc")] == [
        (one.slot, one.address, one.role) for one in part.recipients
    ]
    assert {"n": 1} == part.parameters


def test_a_list_means_a_part_for_each_and_copies_of_all():
    parts = read(to=["a@x.org", "b@x.org"], cc="c@x.org", parameters=[{"n": 1}, {"n": 2}]).parts()

    assert [[(0, "a@x.org"), (1, "c@x.org")], [(2, "b@x.org"), (3, "c@x.org")]] == [
        [(one.slot, one.address) for one in part.recipients] for part in parts
    ]
    assert [{"n": 1}, {"n": 2}] == [part.parameters for part in parts]


def test_who_is_named_twice_is_served_once():
    (part,) = read(to=["a@x.org", "a@x.org"], cc="a@x.org").parts()

    assert [(0, "to")] == [(one.slot, one.role) for one in part.recipients]


@pytest.mark.parametrize(
    "fields",
    [
        {"to": [f"{number}@x.org" for number in range(10_001)]},
        {
            "to": [f"{number}@x.org" for number in range(200)],
            "parameters": [{}] * 200,
            "cc": [f"c{number}@x.org" for number in range(50)],
        },
    ],
    ids=["many", "many copies of each"],
)
def test_no_message_is_for_more_than_ten_thousand(fields: dict[str, Any]):
    with pytest.raises(Failure, match="recipients, those of copies counted for each part; at most 10,000"):
        read(**fields)


def test_ten_thousand_are_no_trouble():
    parts = read(to=[f"{number}@x.org" for number in range(10_000)], parameters=[{}] * 10_000).parts()

    assert 10_000 == len(parts)


def test_many_faults_are_summed_up():
    with pytest.raises(Failure, match=r"; and 2 more$"):
        read(template=1, to=1, subject=1, cc=1, bcc=1, reply_to=1, locale=1)


def test_a_byte_order_mark_is_no_harm():
    notification, _ = decode(EmailNotification, b"\xef\xbb\xbf" + json.dumps(GOOD).encode())

    assert "confirm_email" == notification.template


def test_unknown_fields_are_named():
    _, unknown = decode(EmailNotification, json.dumps({**GOOD, "colour": 1, "from": "x@x.org"}).encode())

    assert {"colour"} == unknown
