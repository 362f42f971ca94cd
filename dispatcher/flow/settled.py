"""What is noted of a message once all copies are kept that take its place."""

from dispatcher.flow.page import Page
from dispatcher.words.errors import Kind
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Accepted, Deferred, Outcome, Rejected, Released, Split


def note_kept(page: Page, message: Message, outcomes: tuple[Outcome, ...]) -> None:
    """Remember that all copies are kept: should the broker not hear the rest, the message only has to go."""
    if isinstance(outcomes[0], Accepted) and not message.seen_before:
        return
    if isinstance(outcomes[0], Deferred | Rejected | Split):
        page.settle(message)
    if _has_doubts(message, outcomes):
        page.clear(message)


def _has_doubts(message: Message, outcomes: tuple[Outcome, ...]) -> bool:
    """Tell whether something may be written down about a message that does not hold any more."""
    if any(isinstance(one, Deferred | Released) for one in outcomes):
        return False
    unsure = any(isinstance(one, Rejected) and one.failure.kind is Kind.UNKNOWN for one in outcomes)
    return unsure or message.seen_before
