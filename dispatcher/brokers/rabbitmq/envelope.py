"""AMQP messages to ours and back. What must not travel on our copies stays behind here.

`user_id` (refused when it is not our login), `expiration` (would overrule the delay queue), `CC` and `BCC` (the broker
would route extra copies) and the broker's own bookkeeping, which RabbitMQ 3 would even believe and then drop a message
as going in circles.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import aio_pika

from dispatcher.brokers.rabbitmq.intake import Incoming
from dispatcher.words.errors import Kind, Reason
from dispatcher.words.messages import ERROR, ID, KIND, OURS, REASON, Message, Properties

_BROKERS_OWN = frozenset({"cc", "bcc", "x-death", "x-delivery-count", "x-acquired-count", "x-delay"})
_BROKERS_OWN_PREFIXES = ("x-first-death-", "x-last-death-", "x-opt-")
_PLAIN = (bool, int, float, str, datetime, Decimal, type(None))
_LARGEST = 1 << 63
SHORT_STRING = 255
DEEPEST = 20
HEADERS_LIMIT = 32_000
"""Bytes of headers on a copy, roughly; over 128 KiB the broker would close the connection."""


def read(incoming: Incoming, is_stale: Callable[[], bool], is_gone: Callable[[], bool]) -> Message:
    """Take a message from the broker; one without `message_id` gets one."""
    said = incoming.properties
    headers = sound_headers(said.headers) if said.headers else {}
    given = _identity(headers.get(ID)) or said.message_id
    return Message(
        body=incoming.body,
        id=given or uuid4().hex,
        anonymous=not given,
        redelivered=incoming.redelivered,
        returned=_count(said.headers.get("x-delivery-count")) if said.headers else 0,
        is_stale=is_stale,
        is_gone=is_gone,
        headers=headers,
        properties=Properties(
            content_type=said.content_type,
            content_encoding=said.content_encoding,
            correlation_id=said.correlation_id,
            reply_to=said.reply_to,
            type=said.message_type,
            app_id=said.app_id,
            priority=said.priority or None,
            timestamp=said.timestamp,
        ),
    )


def letter(incoming: Incoming, text: str) -> Message:
    """Make a dead letter of a message that cannot be taken in or settled: its body, and why; nothing that may be odd.

    Args:
        incoming: as it came.
        text: the reason, for a person.

    """
    headers = {KIND: Kind.CONTENT.value, REASON: Reason.INTERNAL_ERROR.value, ERROR: text}
    given = incoming.properties.message_id
    return Message(body=incoming.body, id=_identity(given) or uuid4().hex, headers=headers, properties=Properties())


def write(message: Message) -> aio_pika.Message:
    """Make what is published: durable, with the message's own identity."""
    said = message.properties
    return aio_pika.Message(
        message.body,
        headers={**message.headers, ID: message.id},
        message_id=message.id,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        content_type=said.content_type,
        content_encoding=said.content_encoding,
        correlation_id=said.correlation_id,
        reply_to=said.reply_to,
        type=said.type,
        app_id=said.app_id,
        priority=said.priority,
        timestamp=said.timestamp,
    )


def sound_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the headers that can be published again; a publisher's oddities must not make a message unretryable."""
    kept: dict[str, Any] = {}
    room = HEADERS_LIMIT
    # Ours first, so that no stranger's header takes their room.
    for name in sorted(headers, key=lambda name: name not in OURS):
        value = headers[name]
        size = len(name) + len(str(value))
        if _is_ours_to_carry(name) and _is_sound(value) and size <= room:
            kept[name] = value
            room -= size
    return kept


def _count(value: Any) -> int:
    """Read how often a quorum queue has handed a message out before; a publisher may have written there anything."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST else 0


def _identity(carried: Any) -> str | None:
    """Give the identity that a copy of ours carries; it must fit into `message_id` again (255 bytes)."""
    return carried if isinstance(carried, str) and len(carried.encode()) <= SHORT_STRING else None


def _is_ours_to_carry(name: str) -> bool:
    lower = name.lower()
    return lower not in _BROKERS_OWN and not lower.startswith(_BROKERS_OWN_PREFIXES)


def _is_sound(value: Any, depth: int = 0) -> bool:
    """Tell whether the library that decoded a value can encode it again."""
    if depth > DEEPEST:
        return False
    if isinstance(value, list):
        return all(_is_sound(one, depth + 1) for one in value)
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_sound(one, depth + 1) for name, one in value.items())
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return False
    return isinstance(value, _PLAIN)
