"""How each library's own publisher writes a message, so that one quick publisher can stand in for all of them."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

TASK = "send_mail"


@dataclass(frozen=True)
class Envelope:
    """A message as AMQP knows it; all of them are persistent."""

    body: bytes
    headers: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)


def plain(notification: dict[str, Any]) -> Envelope:
    """Write JSON, with an id."""
    body = json.dumps(notification).encode()
    return Envelope(body, properties={"message_id": str(uuid.uuid4()), "content_type": "application/json"})


def celery(notification: dict[str, Any]) -> Envelope:
    """Write version 2 of Celery's message protocol."""
    number = str(uuid.uuid4())
    headers = {
        "lang": "py",
        "task": TASK,
        "id": number,
        "root_id": number,
        "parent_id": None,
        "group": None,
        "eta": None,
        "expires": None,
        "retries": 0,
        "timelimit": [None, None],
        "ignore_result": True,
    }
    rest = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    return Envelope(
        json.dumps([[notification], {}, rest]).encode(),
        headers,
        {"correlation_id": number, "content_type": "application/json", "content_encoding": "utf-8"},
    )


def dramatiq(notification: dict[str, Any]) -> Envelope:
    """Write what `dramatiq.Message.encode` gives."""
    message = {
        "queue_name": "dramatiq",
        "actor_name": TASK,
        "args": [notification],
        "kwargs": {},
        "options": {},
        "message_id": str(uuid.uuid4()),
        "message_timestamp": int(time.time() * 1000),
    }
    return Envelope(json.dumps(message, separators=(",", ":")).encode())


def taskiq(notification: dict[str, Any]) -> Envelope:
    """Write what taskiq's default formatter gives, with taskiq-aio-pika's headers."""
    number = uuid.uuid4().hex
    message = {
        "task_id": number,
        "task_name": TASK,
        "labels": {},
        "labels_types": {},
        "args": [notification],
        "kwargs": {},
    }
    return Envelope(json.dumps(message).encode(), {"task_id": number, "task_name": TASK})
