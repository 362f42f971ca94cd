"""What is decoded by hand is what the library decodes."""

import struct
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import body, commands, frame, header

from dispatcher.brokers.rabbitmq.decoding import decode

short = st.text(max_size=60)
tables = st.dictionaries(
    st.text(min_size=1, max_size=20),
    st.one_of(st.booleans(), st.integers(-(1 << 31), 1 << 31), st.text(max_size=50), st.none()),
    max_size=4,
)
times = st.integers(0, 1 << 32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
KINDS = {
    "headers": tables,
    "delivery_mode": st.sampled_from([1, 2]),
    "priority": st.integers(0, 255),
    "timestamp": times,
}
NAMES = [name for name in commands.Basic.Properties.__slots__ if name != "cluster_id"]
properties = st.fixed_dictionaries({}, optional={name: KINDS.get(name, short) for name in NAMES})


def said(one: Any) -> Any:
    return {name: getattr(one, name) for name in type(one).__slots__}


@given(properties, st.integers(0, 1 << 40))
def test_properties_are_those_of_the_library(given: dict[str, Any], size: int):
    raw = frame.marshal(header.ContentHeader(0, size, commands.Basic.Properties(**given)), 3)
    expected: Any = frame.unmarshal(raw)[2]

    made: Any = decode(raw[0], raw)

    assert (expected.class_id, expected.weight, size) == (made.class_id, made.weight, made.body_size)
    assert said(expected.properties) == said(made.properties)


@given(short, st.integers(0, (1 << 63) - 1), st.booleans(), short, short)
def test_deliveries_are_those_of_the_library(tag, number, again, exchange, key):
    # By hand: the library would not write just any name of an exchange.
    said_so = [bytes([len(one.encode())]) + one.encode() for one in (tag, exchange, key)]
    said_so.insert(1, struct.pack(">QB", number, again))
    payload = struct.pack(">HH", 60, 60) + b"".join(said_so)
    raw = struct.pack(">BHI", 1, 3, len(payload)) + payload + b"\xce"

    made: Any = decode(raw[0], raw)

    assert said(frame.unmarshal(raw)[2]) == said(made)


def test_a_routing_key_that_is_no_text_is_left_out():
    whole = frame.marshal(commands.Basic.Deliver("tag", 7, routing_key="key"), 3)
    raw = whole.replace(b"key", b"k\xffy")

    made: Any = decode(raw[0], raw)

    assert ("tag", 7, "") == (made.consumer_tag, made.delivery_tag, made.routing_key)


@pytest.mark.parametrize("one", [commands.Basic.Ack(7), commands.Channel.Close(404, "no", 0, 0), body.ContentBody(b"")])
def test_what_is_no_frame_of_a_delivery_is_left_to_the_library(one: Any):
    raw = frame.marshal(one, 3)

    assert decode(raw[0], raw) is None


@given(properties, st.integers(8, 40), st.binary(min_size=1, max_size=3))
def test_what_is_damaged_is_left_to_the_library_or_said_as_it_stands(given: dict[str, Any], at: int, damage: bytes):
    raw = bytearray(frame.marshal(header.ContentHeader(0, 5, commands.Basic.Properties(**given)), 3))
    raw[at : at + len(damage)] = damage
    raw = bytes(raw)

    made: Any = decode(raw[0], raw)

    if made is not None:
        expected: Any = frame.unmarshal(raw)[2]
        assert said(expected.properties) == said(made.properties)
