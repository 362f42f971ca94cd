"""Which queues there are, and why they are made that way.

For each work queue, here `email`:

    publisher ──► email ──► Dispatcher ──► SMTP
                    ▲           │ transient: copy confirmed, then ack
                    │           ├──► email.retry.10s ─┐
                    │           ├──► email.retry.1m  ─┤  after the delay the broker
                    │           └──► …               ─┤  dead-letters it back
                    └─────────────────────────────────┘
                                │ permanent, or the ladder's end
                                └──► email.dead

* The work queue carries no arguments, so that any publisher may declare it too.
* A delay queue has its delay in its **name**: a changed ladder makes new queues and never a conflict. One queue for
  each delay, because a queue expires messages only at its head: a short delay would wait behind a long one.
* Delay queues are quorum queues with at-least-once dead-lettering. With the usual kind, the move back to the work queue
  is not confirmed inside the broker, and a killed broker loses a tenth and more of what was on its way.
* Everything moves through the default exchange, so no binding can be missing. The exchange `dispatcher` is for
  publishers.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from dispatcher.words.values import format_duration

EXCHANGE = "dispatcher"
"""A direct exchange for publishers; its routing keys are the names of the work queues."""

DEFAULT_EXCHANGE = "amq.default"
"""What permissions call the default exchange, whose name is empty everywhere else."""

RETRY, DEAD = ".retry.", ".dead"
"""What stands behind the name of a work queue in the names of those that belong to it."""

DELIVERY_LIMIT = 100
"""How often a quorum work queue hands out one message before it gives up on it (RabbitMQ 4 gives up after 20)."""

OUT_OF_REACH = 1_000_000_000

QueueType = Literal["default", "classic", "quorum"]


def retry_queue(queue: str, rung: timedelta) -> str:
    """Name the delay queue of one rung: `email.retry.10s`."""
    return f"{queue}{RETRY}{format_duration(rung)}"


def dead_queue(queue: str) -> str:
    """Name the queue of the dead letters: `email.dead`."""
    return f"{queue}{DEAD}"


def work_arguments(queue: str, queue_type: QueueType) -> Mapping[str, Any]:
    """Give the arguments of a work queue: none, unless the settings ask for a kind."""
    if queue_type == "default":
        return {}
    if queue_type == "classic":
        return {"x-queue-type": "classic"}
    return {**_safe_dead_lettering(dead_queue(queue)), "x-delivery-limit": DELIVERY_LIMIT}


def retry_arguments(queue: str, rung: timedelta) -> Mapping[str, Any]:
    """Give the arguments of a delay queue. No `x-expires`: it would delete the queue with its messages."""
    return {**_safe_dead_lettering(queue), "x-message-ttl": rung // timedelta(milliseconds=1)}


def dead_arguments() -> Mapping[str, Any]:
    """Give the arguments of a queue of dead letters: no limit of length or time, nobody takes from it by itself.

    RabbitMQ 4 drops a message of a quorum queue that was handed out and put back 20 times, and somebody who looks at it
    on the management page does just that: so the limit is out of reach.
    """
    return {"x-queue-type": "quorum", "x-delivery-limit": OUT_OF_REACH}


def _safe_dead_lettering(target: str) -> Mapping[str, Any]:
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": target,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # at-least-once asks for it
    }
