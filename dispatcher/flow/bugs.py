"""A bug of ours is a failure like others: tried again rather than lost, and said loudly."""

import logging

from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.messages import Message

log = logging.getLogger(__name__)


def failure_of(bug: BaseException, message: Message) -> Failure:
    """Write a bug to the log with its traceback; give the failure that it means for the message."""
    log.error("a bug while message %s was handled", message.id, exc_info=bug)
    return Failure(Kind.TRANSIENT, Reason.INTERNAL_ERROR, f"a bug of the dispatcher: {type(bug).__name__}")
