"""A message from RabbitMQ in our hands, and how it is settled."""

from collections.abc import Callable

from dispatcher.brokers.base import Delivery
from dispatcher.brokers.rabbitmq.envelope import read
from dispatcher.brokers.rabbitmq.keeper import Keeper
from dispatcher.brokers.rabbitmq.spell import Incoming, Spell
from dispatcher.words.errors import DeliveryLost
from dispatcher.words.outcomes import Deferred, Outcome, Rejected, Released, Split


class RabbitDelivery(Delivery):
    """A message from RabbitMQ in our hands."""

    def __init__(self, spell: Spell, keeper: Keeper, incoming: Incoming) -> None:
        self.message = read(incoming, lambda: spell.is_stale)
        self._spell = spell
        self._keeper = keeper
        self._tag = incoming.delivery_tag or 0

    @property
    def stale(self) -> bool:
        """Whether its AMQP channel is gone."""
        return self._spell.is_stale

    async def settle(self, *outcomes: Outcome, kept: Callable[[], None] = lambda: None) -> None:
        """Publish the copies, then ack; or give it back."""
        if self.stale:
            raise DeliveryLost("the AMQP channel of the delivery is gone; the broker hands it out again")
        try:
            for outcome in outcomes:
                match outcome:
                    case Deferred() | Rejected():
                        await self._keeper.keep(outcome)
                    case Split():
                        await self._keeper.replace(outcome)
            kept()
            await self._spell.answer(self._tag, ack=not any(isinstance(one, Released) for one in outcomes))
        finally:
            await self._spell.let_go()
