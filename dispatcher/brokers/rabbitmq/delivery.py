"""A message from RabbitMQ in our hands, and how it is settled."""

import asyncio
import logging
from collections.abc import Callable

from dispatcher.brokers.base import Delivery
from dispatcher.brokers.rabbitmq.envelope import letter, read
from dispatcher.brokers.rabbitmq.intake import Incoming
from dispatcher.brokers.rabbitmq.keeper import Keeper, NotKept
from dispatcher.brokers.rabbitmq.spell import Spell
from dispatcher.words.errors import BrokerError, DeliveryLost, Failure, Kind, Reason
from dispatcher.words.outcomes import Accepted, Deferred, Outcome, Rejected, Released, Split

MANY_RETURNS = 10
"""A message that a quorum queue has handed out again so often is replaced by a copy, of which none is counted yet.

From RabbitMQ 4.0 on, a queue that nobody gave a limit drops a message with the 21st, without a word: what was only ever
fetched ahead, by daemons that were killed or by a queue that was paused, counts as much as what was tried.
"""

log = logging.getLogger(__name__)


class RabbitDelivery(Delivery):
    """A message from RabbitMQ in our hands."""

    def __init__(self, spell: Spell, keeper: Keeper, incoming: Incoming) -> None:
        self.message = read(incoming, lambda: spell.is_stale, lambda: spell.is_gone)
        self._spell = spell
        self._keeper = keeper
        self._incoming = incoming
        self._settling: asyncio.Task[None] | None = None
        self._is_accepted = False

    @property
    def stale(self) -> bool:
        """Whether its AMQP channel is gone, as far as we were told: who settles it is told better."""
        return self._spell.is_gone

    async def settle(self, *outcomes: Outcome, kept: Callable[[], None] = lambda: None) -> None:
        """Publish the copies, then ack; or give it back.

        Once begun it goes on to its end, even when the caller is cancelled: a copy or an ack that is half on the wire
        cannot be taken back. Who asks again hears how the first time ended.

        Where there is only an ack to be written, it waits for others in the spell, and nobody for it: should the
        connection go in those milliseconds, the message comes again, and the journal knows it. It knows nothing of a
        message without an id, whose ack therefore does not wait.
        """
        if self._is_accepted:
            return
        if self._settling is None:
            if self._spell.is_stale:
                raise DeliveryLost("the AMQP channel of the delivery is gone; the broker hands it out again")
            if self._is_accepted_in_line(outcomes, kept):
                return
            self._settling = self._spell.look_after(self._settle(outcomes, kept))
        await asyncio.shield(self._settling)

    def _is_accepted_in_line(self, outcomes: tuple[Outcome, ...], kept: Callable[[], None]) -> bool:
        if not (self._spell.gathers and all(type(one) is Accepted for one in outcomes)):
            return False
        self._is_accepted = True
        self._tell(kept)
        self._spell.accept(self._incoming.tag, at_once=self.message.anonymous)
        return True

    async def _settle(self, outcomes: tuple[Outcome, ...], kept: Callable[[], None]) -> None:
        try:
            try:
                await self._keep(outcomes)
            except NotKept as error:
                await self._spell.answer(self._incoming.tag, ack=False)
                raise DeliveryLost(f"{error}; the message was given back") from error
            self._tell(kept)
            await self._spell.answer(self._incoming.tag, ack=not any(isinstance(one, Released) for one in outcomes))
        finally:
            await self._spell.let_go()

    def _tell(self, kept: Callable[[], None]) -> None:
        try:
            kept()
        except Exception:
            log.exception("a bug once the copies of message %s were kept", self.message.id)

    async def _keep(self, outcomes: tuple[Outcome, ...]) -> None:
        try:
            for outcome in outcomes:
                match outcome:
                    case Deferred() | Rejected():
                        await self._keeper.keep(outcome)
                    case Split():
                        await self._keeper.replace(outcome)
        except BrokerError:
            raise
        except Exception as bug:
            # Given back it would be tried, and perhaps sent, again and again; held it would wait for ever.
            log.exception("a bug while message %s was settled; it is kept among the dead letters", self.message.id)
            await self._keeper.keep(_dead_letter(self._incoming, f"a bug while it was settled: {type(bug).__name__}"))


async def renew(delivery: RabbitDelivery) -> None:
    """Put a copy of a message in its place, untried, at the end of its queue.

    It may have been sent the last time, and only the broker have heard nothing of it: so the copy says that it was in
    somebody's hands before.
    """
    log.info("message %s was handed out %d times; a copy takes its place", delivery.message.id, MANY_RETURNS)
    await delivery.settle(Split((delivery.message.renewed(),)))


async def bury(spell: Spell, keeper: Keeper, incoming: Incoming, bug: Exception) -> None:
    """Keep what could not even be taken in among the dead letters, its body as it came.

    Given back, it would come again at once, and so for ever; held, it would take its room from the others.
    """
    try:
        await keeper.keep(_dead_letter(incoming, f"a bug while it was taken in: {type(bug).__name__}"))
        await spell.answer(incoming.tag, ack=True)
    except NotKept:
        await spell.answer(incoming.tag, ack=False)
    finally:
        await spell.let_go()


def _dead_letter(incoming: Incoming, text: str) -> Rejected:
    return Rejected(letter(incoming, text), Failure(Kind.CONTENT, Reason.INTERNAL_ERROR, text))
