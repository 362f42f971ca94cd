"""Whether what a mail met is its own trouble or everybody's: five in a row, or a server that is not there any more."""

from collections.abc import Awaitable, Callable

from dispatcher.notifiers.email.compose import Draft
from dispatcher.notifiers.email.replies import Phase
from dispatcher.notifiers.email.transaction import Transaction
from dispatcher.notifiers.streak import Streak
from dispatcher.words.errors import Failure, Kind, Reason

_EVERYBODYS = {Reason.SMTP_TEMPORARY, Reason.SMTP_CUT}
"""What several mails in a row can only have met because the server does it to all."""

_OF_A_MAIL = {*_EVERYBODYS, Reason.CONTENT_REFUSED}
"""The same, from the moment on that the server has taken a recipient."""


class Everybody:
    """Judges the failures of mails together.

    Args:
        sender: the mailbox of the settings.
        look: connects to the server and parts again; raises `Failure` where that cannot be done.

    """

    def __init__(self, sender: str, look: Callable[[], Awaitable[object]]) -> None:
        self._sender = sender
        self._look = look
        self._streak = Streak()

    def got_through(self, transaction: Transaction) -> None:
        """Learn that the server took or refused a mail for reasons of that mail."""
        self._streak.end(transaction.began)

    async def judge(self, draft: Draft, transaction: Transaction, failure: Failure) -> Failure:
        """Give the failure back, or the outage that it shows.

        Raises:
            asyncio.CancelledError: interrupted; nothing was sent meanwhile.

        """
        if failure.reason is Reason.SMTP_BUSY:
            return self._streak.escalate(draft.message_id, failure)
        if transaction.phase is Phase.IDLE:
            return failure
        judged = await self._weigh(draft, transaction, failure)
        if judged.reason is Reason.SMTP_CUT and judged.kind is not Kind.OUTAGE:
            return await self._away() or judged
        return judged

    async def _weigh(self, draft: Draft, transaction: Transaction, failure: Failure) -> Failure:
        ours = draft.author.mailbox == self._sender
        if transaction.phase is Phase.MAIL:
            concerns_all = failure.reason in _EVERYBODYS or (failure.reason is Reason.SENDER_REFUSED and ours)
            return self._streak.escalate(draft.message_id, failure) if concerns_all else failure
        if failure.reason in _OF_A_MAIL:
            return await self.judge_refusal(draft, transaction, failure)
        self.got_through(transaction)
        return failure

    async def judge_refusal(self, draft: Draft, transaction: Transaction, failure: Failure) -> Failure:
        """Give back why nobody of a transaction was taken, or the outage that it shows: five to different people."""
        place = ", ".join(address.mailbox for address in transaction.recipients)
        return await self._streak.weigh(draft.message_id, failure, place, self._look)

    async def _away(self) -> Failure | None:
        """Look whether the server is still there: a server that goes takes nobody's attempt with it."""
        try:
            await self._look()
        except Failure as failure:
            return failure if failure.kind is Kind.OUTAGE else None
        return None
