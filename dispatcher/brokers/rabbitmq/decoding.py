"""The three frames of a delivery, decoded by hand: the library's decoder for any frame takes five times as long.

What is odd about one, or is not one of them, is left to the library, and to what `tolerance` makes of it; but for names
of exchanges and routing keys, which may be any bytes (AMQP 0-9-1, 4.2.5.3) and are left out where they are no text.
"""

import logging
import struct
from collections.abc import Callable
from typing import Any

from pamqp import constants
from pamqp import decode as library
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

log = logging.getLogger(__name__)

_DELIVER = struct.pack(">HH", *divmod(Basic.Deliver.index, 1 << 16))
_METHOD = 11
"""Where the arguments of a method begin in its frame: after kind, AMQP channel, length, class and method."""

_TAG = struct.Struct(">QB")
"""Delivery tag, and bits of which the first says that it is handed out again."""

_SIZES = struct.Struct(">HHQH")
"""Class, weight, size of the body and flags (AMQP 0-9-1, 4.2.6.1); the last bit of the flags says that more follow."""

_HEADER = 7
_MORE = 1
_MOST_SETS = 1_000

_Decoder = Callable[[bytes], tuple[int, Any]]

_fields: dict[int, list[tuple[str, _Decoder | None]]] = {}
"""What the flags mean, for those seen so far: each property with its decoder; a short string has none."""


def decode(kind: int, frame: bytes) -> Basic.Deliver | ContentHeader | ContentBody | None:
    """Decode a frame if it is one of a delivery, and nothing is odd about it.

    Args:
        kind: its first byte.
        frame: the whole of it, its last byte included.

    """
    if frame[-1] != constants.FRAME_END:
        return None
    try:
        if kind == constants.FRAME_BODY:
            return ContentBody(frame[_HEADER:-1]) if len(frame) > _HEADER + 1 else None
        if kind == constants.FRAME_HEADER:
            return _header(frame)
        return _delivery(frame) if frame.startswith(_DELIVER, _HEADER) and kind == constants.FRAME_METHOD else None
    except Exception:  # noqa: BLE001 - whatever it is, it is found again where it can be told
        return None


def _delivery(frame: bytes) -> Basic.Deliver | None:
    made = Basic.Deliver.__new__(Basic.Deliver)
    end = _METHOD + 1 + frame[_METHOD]
    made.consumer_tag = frame[_METHOD + 1 : end].decode()
    made.delivery_tag, flags = _TAG.unpack_from(frame, end)
    made.redelivered = bool(flags & 1)
    middle = end + _TAG.size + 1 + frame[end + _TAG.size]
    last = middle + 1 + frame[middle]
    try:
        made.exchange = frame[end + _TAG.size + 1 : middle].decode()
        made.routing_key = frame[middle + 1 : last].decode()
    except UnicodeDecodeError:
        made.exchange = made.routing_key = ""
        log.warning("a message has a routing key that cannot be decoded; it is left out")
    return made if last == len(frame) - 1 else None


def _header(frame: bytes) -> ContentHeader | None:
    made = ContentHeader.__new__(ContentHeader)
    made.class_id, made.weight, made.body_size, flags = _SIZES.unpack_from(frame, _HEADER)
    if flags & _MORE:
        return None
    made.properties = properties = Basic.Properties.__new__(Basic.Properties)
    properties.content_type = properties.content_encoding = properties.headers = properties.delivery_mode = None
    properties.priority = properties.correlation_id = properties.reply_to = properties.expiration = None
    properties.message_id = properties.timestamp = properties.message_type = properties.user_id = None
    properties.app_id, properties.cluster_id = None, ""
    at = _HEADER + _SIZES.size
    fields = _fields.get(flags)
    for name, decoder in _fields_of(flags) if fields is None else fields:
        if decoder is None:
            start = at + 1
            at = start + frame[at]
            setattr(properties, name, frame[start:at].decode())
        else:
            size, value = decoder(frame[at:-1])
            setattr(properties, name, value)
            at += size
    return made if at == len(frame) - 1 else None


def _fields_of(flags: int) -> list[tuple[str, _Decoder | None]]:
    fields = []
    for name in Basic.Properties.__slots__:
        if flags & Basic.Properties.flags[name]:
            kind = Basic.Properties.amqp_type(name)
            fields.append((name, None if kind == "shortstr" else library.METHODS[kind]))
    if len(_fields) < _MOST_SETS:  # there are no more in earnest
        _fields[flags] = fields
    return fields
