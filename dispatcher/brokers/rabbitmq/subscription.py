"""One queue's deliveries, spell after spell, across the loss of connections."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from dispatcher.backoff import backoff
from dispatcher.brokers.base import Delivery, Subscription
from dispatcher.brokers.rabbitmq import outlet
from dispatcher.brokers.rabbitmq.bell import Bell
from dispatcher.brokers.rabbitmq.declare import Declarer
from dispatcher.brokers.rabbitmq.delivery import MANY_RETURNS, RabbitDelivery, bury, renew
from dispatcher.brokers.rabbitmq.intake import Incoming
from dispatcher.brokers.rabbitmq.keeper import Keeper
from dispatcher.brokers.rabbitmq.poison import Poison
from dispatcher.brokers.rabbitmq.pressure import Pressure
from dispatcher.brokers.rabbitmq.session import Session, Sessions
from dispatcher.brokers.rabbitmq.spell import Spell
from dispatcher.brokers.rabbitmq.trouble import Trouble
from dispatcher.brokers.rabbitmq.watch import until_wrong
from dispatcher.cancelling import is_ours
from dispatcher.words.errors import BrokerError, BrokerRefused, DeliveryLost
from dispatcher.words.outcomes import Released

GIVE_BACK_TIMEOUT = 3.0
"""Seconds for the broker to hear that we stop: one that does not will hand everything out again anyway."""

log = logging.getLogger(__name__)


class RabbitSubscription(Subscription):
    """The deliveries of one queue. One task begins and ends the spells; others say what is wanted, and ring the bell.

    Args:
        broker: whose sessions are used.
        declarer: makes the queue where it is missing.
        queue: its name.
        prefetch: how many deliveries may be in hand at once, as long as nobody says otherwise.
        every: seconds between two looks at what the broker thinks of us.

    """

    def __init__(self, broker: Sessions, declarer: Declarer, queue: str, prefetch: int, every: float) -> None:
        self._broker = broker
        self._declarer = declarer
        self._queue = queue
        self._usual = self._prefetch = prefetch
        self._every = every
        self._bell = Bell()
        self._arrivals = Bell()  # its own: a message would wake who only looks after the spell
        self._pressure = Pressure(self._ring)
        self._poison = Poison(queue, self._ring)
        self._wanted = True
        self._stopped = False
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._session: Session | None = None
        self._spell: Spell | None = None
        self._trouble = Trouble(queue)
        self._consuming = asyncio.create_task(self._keep_consuming(), name=f"consume {queue}")

    async def begun(self) -> None:
        """Wait for the first spell.

        Raises:
            BrokerRefused: there will be none; the text says why.

        """
        await asyncio.shield(self._begun)

    def __aiter__(self) -> AsyncIterator[Delivery]:
        return self._deliveries()

    async def _deliveries(self) -> AsyncIterator[Delivery]:
        while True:
            while (spell := self._spell) is not None and spell.inbox and self._may_take:
                delivery = spell.inbox.popleft()
                if not delivery.stale:
                    yield delivery
            if self._stopped:
                return
            await self._arrivals.heard()

    def _ring(self, *_: Any) -> None:
        self._bell.ring()
        self._arrivals.ring()

    @property
    def trouble(self) -> str | None:
        """Why nothing is taken."""
        if self._stopped or not self._wanted:
            return None
        if why := self._poison.trouble or self._pressed:
            return why
        if self._spell is not None and self._spell.is_taking:
            return None
        return self._broker.trouble or self._trouble.text

    @property
    def _pressed(self) -> str | None:
        """Why what is tried could not be recorded."""
        if self._session is not None and self._session.outlet.blocked and not self._session.is_lost:
            return outlet.BLOCKED
        return self._pressure.why

    @property
    def _may_take(self) -> bool:
        return self._wanted and not self._stopped and self._pressed is None

    async def pause(self) -> None:
        """Cancel the consumer and give back what nobody has taken out."""
        self._wanted = False
        self._ring()
        await self._rest()

    async def resume(self, prefetch: int | None = None) -> None:
        """Begin another spell, with this prefetch."""
        self._prefetch = self._usual if prefetch is None else prefetch
        self._wanted = True
        self._ring()

    async def stop(self) -> None:
        """Cancel the consumer and give back what nobody has taken out."""
        self._stopped = True
        self._ring()
        if not self._begun.done():
            self._begun.set_exception(BrokerError(f"the queue {self._queue} was never taken from"))
            self._begun.exception()  # perhaps nobody waits for it
        while not self._consuming.done():  # the library loses a cancellation that comes in the same turn as an answer
            self._consuming.cancel()
            await asyncio.wait({self._consuming}, timeout=1)
        await self._rest()

    async def _rest(self) -> None:
        """Take nothing new and give back what nobody has taken out; wait for that, but not for ever."""
        if self._spell is not None:
            await asyncio.wait({self._spell.look_after(self._give_back(self._spell))}, timeout=GIVE_BACK_TIMEOUT)

    async def _give_back(self, spell: Spell) -> None:
        await spell.end()
        while spell.inbox:
            with contextlib.suppress(DeliveryLost):
                await spell.inbox.popleft().settle(Released())
        await spell.close_if_done()

    async def _keep_consuming(self) -> None:
        """Begin one spell after the other; only a refusal of the very first one ends this, and `begun` raises it."""
        waits = backoff()
        while not self._stopped:
            await self._until_wanted()
            try:
                await self._take_for_a_spell()
                waits = backoff()
            except BrokerRefused as error:
                if not self._begun.done():
                    self._begun.set_exception(error)
                    return
                self._trouble.cannot(str(error), logging.ERROR)
            except BrokerError as error:
                self._trouble.cannot(str(error), logging.WARNING)
            except (Exception, asyncio.CancelledError) as bug:
                if isinstance(bug, asyncio.CancelledError) and is_ours():
                    raise
                self._trouble.bug(bug)  # a cancellation of the library's, too: who ended here would be missed by nobody
            if self._may_take:
                await asyncio.sleep(self._poison.wait or next(waits))

    async def _until_wanted(self) -> None:
        said = False
        while not self._stopped and not self._may_take:
            if self._wanted and (why := self._pressed) and not said:
                said = True
                log.warning("nothing is taken from the queue %s until copies can be kept: %s", self._queue, why)
            await self._bell.heard()
        if said and self._session is not None and not self._session.is_lost:
            log.info("copies can be kept again for the queue %s", self._queue)

    async def _take_for_a_spell(self) -> None:
        careful = self._poison.careful
        session = await (self._broker.session_apart() if careful else self._broker.session())
        session.listeners.add(self._ring)
        self._session = session
        spell = Spell(session, self._queue, 1 if careful else self._prefetch, self._ring)
        try:
            await self._begin(spell)
            await self._stay(spell, careful=careful)
        finally:
            # No other one before it has rested: two would take more than the prefetch says.
            await asyncio.wait({spell.look_after(self._give_back(spell))})
            if careful:
                spell.look_after(self._end_apart(spell))

    async def _begin(self, spell: Spell) -> None:
        await spell.session.outlet.look()
        await self._declarer.declare(spell.session.consuming, self._queue)
        keeper = Keeper(spell, self._declarer, self._queue, self._pressure)

        def take(incoming: Incoming) -> None:
            try:
                delivery = RabbitDelivery(spell, keeper, incoming)
            except Exception as bug:
                log.exception("a bug while a message of %s was taken in; it becomes a dead letter", self._queue)
                spell.look_after(bury(spell, keeper, incoming, bug))
                return
            if delivery.message.returned >= MANY_RETURNS:
                spell.look_after(renew(delivery))
                return
            spell.inbox.append(delivery)
            self._arrivals.ring()

        await spell.begin(take)
        self._spell = spell
        self._ring()  # its first deliveries may have come before
        self._trouble.over()
        self._poison.begun()
        if not self._begun.done():
            self._begun.set_result(None)

    async def _stay(self, spell: Spell, *, careful: bool) -> None:
        """Wait until the spell is over, or is not what is wanted any more."""
        every = self._every * self._trouble.doubt
        looking = asyncio.create_task(until_wrong(spell, self._declarer, self._queue, every))
        looking.add_done_callback(self._ring)
        try:
            while spell.is_taking and self._may_take and self._poison.careful == careful and not looking.done():
                if spell.prefetch != self._prefetch and not careful:
                    break
                await self._bell.heard()
        finally:
            looking.cancel()
        if spell.session.is_lost:
            # The library knows that a moment before it can say why.
            await asyncio.wait({asyncio.ensure_future(spell.session.until_lost())}, timeout=GIVE_BACK_TIMEOUT)
        self._poison.note(spell)
        if spell.session.is_lost:
            self._trouble.lost()
        elif looking.done():
            self._trouble.ask_again(looking.result())
        elif spell.over and not spell.was_ended:
            self._trouble.ask_again(f"RabbitMQ ended the deliveries from the queue {self._queue}")
        self._trouble.weigh(in_vain=looking.done() and not looking.cancelled() and spell.taken == 0)

    async def _end_apart(self, spell: Spell) -> None:
        while spell.in_hand and not spell.is_stale:
            await self._bell.heard()
        await self._broker.end_apart(spell.session)
