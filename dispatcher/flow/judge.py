"""What the failures of a try mean for the message. Pure: the same question always has the same answer.

    transient, unknown    next rung, attempt + 1; a dead letter after the last rung
                          or at once, where it must not be sent twice
    throttled             as many delays as the wait takes; no attempt counted
    outage                back to the queue as it was; if some were served, the rest waits in a copy for a moment
    recipient             a dead letter for each such recipient
    content               a dead letter

Several recipients: those who may be served later share a retry copy for each rung; who was served is in none of them.
"""

from collections.abc import Hashable, Iterator
from datetime import datetime, timedelta
from typing import assert_never

from dispatcher.flow.copies import Share, dead_copy, retry_copy
from dispatcher.words.errors import Failure, Kind, SomeFailed
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Accepted, Deferred, Outcome, Rejected, Released
from dispatcher.words.retries import Ladder


def judge(
    message: Message, error: Failure | SomeFailed | None, queue: str, ladder: Ladder, now: datetime
) -> tuple[Outcome, ...]:
    """Give the outcomes that settle a message after a try.

    Args:
        message: as it was delivered.
        error: what went wrong, if anything did.
        queue: its work queue.
        ladder: the delays between attempts.
        now: the time of the try.

    """
    if error is None:
        return (Accepted(),)
    if _is_untouched(message, error):
        return (Released(),)
    outcomes: list[Outcome] = []
    for share in _shares(error, ladder):
        rung = _rung(share.failure, message.attempt, ladder)
        if rung is None:
            outcomes.append(Rejected(dead_copy(message, queue, share, now), share.failure))
        else:
            outcomes.append(Deferred(retry_copy(message, queue, share, now, rung), rung, share.failure))
    return tuple(outcomes) or (Accepted(),)


def _is_untouched(message: Message, error: Failure | SomeFailed) -> bool:
    """Tell whether nothing came of the try but an outage: nobody was served, not even with a piece."""
    if isinstance(error, Failure):
        return error.kind is Kind.OUTAGE and not error.pieces
    alike = all(failure.kind is Kind.OUTAGE for failure in error.failures.values())
    served = len(error.addresses) - len(error.failures) - len(message.done)
    told = {slot: failure.pieces for slot, failure in error.failures.items() if failure.pieces}
    return alike and not served and told.items() <= message.pieces.items()


def _rung(failure: Failure, attempt: int, ladder: Ladder) -> timedelta | None:
    """Give the rung to wait on, or `None` to give up."""
    match failure.kind:
        case Kind.UNKNOWN if failure.final:
            return None
        case Kind.TRANSIENT | Kind.UNKNOWN:
            return ladder.after(attempt, failure.wait)
        case Kind.THROTTLED if failure.wait is not None:
            return ladder.towards(failure.wait)
        case Kind.THROTTLED:
            return ladder.at_least(timedelta(0))
        case Kind.OUTAGE:
            return ladder.delays[0]
        case Kind.RECIPIENT | Kind.CONTENT:
            return None
    assert_never(failure.kind)


def _shares(error: Failure | SomeFailed, ladder: Ladder) -> Iterator[Share]:
    """Put together who can share a copy: the same failure, and for a refused recipient nobody else."""
    if isinstance(error, Failure):
        yield Share(error)
        return
    together: dict[Hashable, list[int]] = {}
    for slot, failure in error.failures.items():
        together.setdefault(_alike(slot, failure, ladder), []).append(slot)
    for slots in together.values():
        pieces = {slot: error.failures[slot].pieces for slot in slots if error.failures[slot].pieces}
        soonest = min((error.failures[slot] for slot in slots), key=lambda failure: failure.wait or timedelta(0))
        yield Share(soonest, frozenset(slots), error.addresses, pieces)


def _alike(slot: int, failure: Failure, ladder: Ladder) -> Hashable:
    """Give what failures have in common that can share a copy.

    Texts of services name the recipient, so they do not count: hundred greylisted recipients wait in one copy, with the
    text of one of them. What is wrong with the content is said word for word. Of waits it only counts what delay they
    begin with: thousand recipients who are due one after the other share a few copies, and are looked at anew.
    """
    if failure.kind is Kind.RECIPIENT:
        return slot
    text = failure.text if failure.kind is Kind.CONTENT else ""
    wait = ladder.towards(failure.wait) if failure.kind is Kind.THROTTLED and failure.wait else failure.wait
    return failure.kind, failure.reason, wait, text
