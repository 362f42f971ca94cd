"""Many recipients of one message become many messages."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from time import process_time

import pytest

from dispatcher.contract.base import Notification, decode
from dispatcher.contract.email import EmailNotification
from dispatcher.contract.slack import SlackNotification
from dispatcher.flow import split as splitting
from dispatcher.flow.split import is_to_be_split, split
from dispatcher.words.messages import Message
from dispatcher.words.values import encode_slots

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def message(count: int, *, done: tuple[int, ...] = (), **fields: object) -> Message:
    body = {
        "template": "hello",
        "to": [f"p{number}@example.org" for number in range(count)],
        "parameters": [{"name": f"ä{number}"} for number in range(count)],
        **fields,
    }
    headers = {"x-shop": "Graz", "dispatcher-attempt": 2, **({"dispatcher-done": encode_slots(done)} if done else {})}
    return Message(body=json.dumps(body).encode(), id="whole", headers=headers, redelivered=True)


def parts(whole: Message, contract: type[Notification] = EmailNotification):
    return decode(contract, whole.body)[0].parts()


def test_each_recipient_gets_a_message_with_everything_that_concerns_him():
    whole = message(30, subject="Hi", locale="de", cc=["boss@example.org"], expires_at="2030-01-01T00:00:00Z")
    apart = split(whole, parts(whole), NOW)

    assert [f"whole.{number}" for number in range(30)] == [one.id for one in apart]
    seventh = apart[7]
    assert {
        "template": "hello",
        "to": "p7@example.org",
        "parameters": {"name": "ä7"},
        "subject": "Hi",
        "locale": "de",
        "cc": ["boss@example.org"],
        "expires_at": "2030-01-01T00:00:00Z",
    } == json.loads(seventh.body)
    assert ("Graz", 3, "whole", "whole.7") == (
        seventh.headers["x-shop"],
        seventh.attempt,
        seventh.headers["dispatcher-part-of"],
        seventh.headers["dispatcher-id"],
    )
    assert not seventh.redelivered
    assert not seventh.done
    (only,) = parts(seventh)
    assert [("p7@example.org", "to"), ("boss@example.org", "cc")] == [
        (one.address, one.role) for one in only.recipients
    ]


def test_who_was_served_before_is_left_out_and_who_was_served_in_part_remembers():
    whole = message(30, done=(0, 1, 2, 5), cc=["boss@example.org"])  # two slots for each part
    apart = split(whole, parts(whole), NOW)

    assert "whole.0" not in [one.id for one in apart]
    assert {"whole.1": {0}, "whole.2": {1}, "whole.3": set()} == {one.id: set(one.done) for one in apart[:3]}


def test_pieces_travel_with_their_recipient():
    whole = message(30)
    whole = Message(body=whole.body, id="whole", headers={"dispatcher-pieces": {"4": 2}})
    apart = split(whole, parts(whole), NOW)

    assert [{}, {0: 2}, {}] == [apart[number].pieces for number in (3, 4, 5)]


def test_splitting_it_again_gives_the_same_ids_and_bodies():
    once, again = (split(whole, parts(whole), NOW) for whole in [message(25)] * 2)

    assert [(one.id, one.body) for one in once] == [(one.id, one.body) for one in again]
    assert 50 == len({one.copy for one in (*once, *again)})


def test_the_parts_of_a_new_message_are_first_seen_now_so_that_another_of_the_same_id_is_another():
    new = replace(message(25), redelivered=False)

    assert {NOW} == {one.first_seen for one in split(new, parts(new), NOW)}
    assert {None} == {one.first_seen for one in split(message(25), parts(new), NOW)}


def test_one_object_of_parameters_for_many_conversations_is_split_too():
    body = {"template": "hello", "to": [f"C{number:08}" for number in range(40)], "parameters": {"name": "Ada"}}
    whole = Message(body=b"\xef\xbb\xbf" + json.dumps(body).encode(), id="whole")
    apart = split(whole, parts(whole, SlackNotification), NOW)

    assert ("C00000039", {"name": "Ada"}) == tuple(json.loads(apart[39].body)[name] for name in ("to", "parameters"))


@pytest.mark.parametrize(("count", "done"), [(21, 0), (40, 19)])
def test_many_who_still_wait_are_split(count: int, done: int):
    whole = message(count, done=tuple(range(done)))

    assert is_to_be_split(whole, parts(whole))


@pytest.mark.parametrize(("count", "done"), [(20, 0), (40, 20)])
def test_few_who_still_wait_are_not(count: int, done: int):
    whole = message(count, done=tuple(range(done)))

    assert not is_to_be_split(whole, parts(whole))


def test_a_part_is_not_split_again():
    whole = message(30).with_headers({"dispatcher-part-of": "another"})

    assert not is_to_be_split(whole, parts(whole))


def test_what_would_be_multiplied_into_too_much_is_not_split(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(splitting, "MOST_BYTES", 10_000)
    whole = message(30, subject="x" * 1000)

    assert () == split(whole, parts(whole), NOW)


def test_a_long_id_is_shortened():
    whole = message(30)
    whole = Message(body=whole.body, id="ä" * 120)
    apart = split(whole, parts(whole), NOW)

    assert 30 == len({one.id for one in apart})
    assert all(len(one.id) < 80 for one in apart)


def test_ten_thousand_take_less_than_a_few_seconds():
    whole = message(10_000)
    divided = parts(whole)
    began = process_time()

    assert 10_000 == len(split(whole, divided, NOW))
    assert process_time() - began < 5
