"""Deliveries on their short way in.

The library hands each frame of a delivery from its reader to a task of the AMQP channel, and makes one more task to
call back. All of that costs more than the rest of a delivery, so what belongs to our consumer is taken out where the
reader puts frames in line, and everything else goes on as it came. Should a later version of the library not put its
frames there, it calls back as it always did.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from aiormq.abc import AbstractChannel, DeliveredMessage
from pamqp.body import ContentBody
from pamqp.commands import Basic, Channel
from pamqp.header import ContentHeader

IN_A_ROW = 32
"""After so many deliveries others have a turn: what has come already is read without waiting."""

_ENDS = {Channel.Close, Channel.CloseOk}


class Incoming(NamedTuple):
    """What the broker handed to us."""

    tag: int
    redelivered: bool
    properties: Basic.Properties
    body: bytes


def incoming(message: DeliveredMessage) -> Incoming:
    """Read what the library calls back with."""
    return Incoming(message.delivery_tag or 0, bool(message.redelivered), message.header.properties, message.body)


class Intake:
    """Stands where an AMQP channel has its line of frames.

    Args:
        frames: that line.
        consumer: the tag of our consumer.
        take: called with each delivery.
        closed: called as soon as the AMQP channel is known to be closed, before anything else learns of it: who said
            something on it afterwards would lose the connection.

    """

    def __init__(
        self,
        frames: asyncio.Queue[Any],
        consumer: str,
        take: Callable[[Incoming], None],
        closed: Callable[[], None],
    ) -> None:
        self.get = frames.get
        self.task_done = frames.task_done
        self._pass_on = frames.put
        self._consumer = consumer
        self._take = take
        self._closed = closed
        self._held: list[Any] = []
        self._delivery: Basic.Deliver | None = None
        self._header: ContentHeader | None = None
        self._body: list[bytes] = []
        self._missing = 0
        self._row = 0

    async def put(self, item: tuple[int, Any]) -> None:
        """Take in a frame."""
        frame = item[1]
        kind = type(frame)
        if self._delivery is None:
            if kind is Basic.Deliver and frame.consumer_tag == self._consumer:
                self._delivery = frame
                self._held.append(item)
                return
            await self._let_through(item)
            return
        if kind is ContentHeader and self._header is None:
            self._header, self._missing = frame, frame.body_size
        elif kind is ContentBody and self._header is not None:
            self._body.append(frame.value)
            self._missing -= len(frame.value)
        else:
            await self._give_up(item)
            return
        if self._missing > 0:
            self._held.append(item)
            return
        await self._complete()

    async def _complete(self) -> None:
        delivery, header = cast("Basic.Deliver", self._delivery), cast("ContentHeader", self._header)
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._forget()
        self._take(Incoming(delivery.delivery_tag or 0, delivery.redelivered, header.properties, body))
        self._row += 1
        if self._row == IN_A_ROW:
            self._row = 0
            await asyncio.sleep(0)

    async def _give_up(self, item: tuple[int, Any]) -> None:
        """Let the library say what is wrong with frames in a wrong order."""
        held = [*self._held, item]
        self._forget()
        for one in held:
            await self._let_through(one)

    async def _let_through(self, item: tuple[int, Any]) -> None:
        if type(item[1]) in _ENDS:
            self._closed()
        await self._pass_on(item)

    def _forget(self) -> None:
        self._held.clear()
        self._delivery = self._header = None
        self._body = []
        self._missing = 0


def install(
    channel: AbstractChannel, consumer: str, take: Callable[[Incoming], None], closed: Callable[[], None]
) -> bool:
    """Put an intake before an AMQP channel; tell whether the library has the place for it."""
    if type(getattr(channel, "frames", None)) is not asyncio.Queue:
        return False
    channel.frames = cast("asyncio.Queue[Any]", Intake(channel.frames, consumer, take, closed))
    return True
