"""The acks of one AMQP channel, together: each write costs more than all else about an ack.

An ack waits for others, for a few milliseconds at most. What is acked in one go up to a delivery (`multiple`) is only
what we have answered without a gap: a delivery that is not answered yet, or never will be, is not swept away with it.
"""

import asyncio
import struct
from collections.abc import Callable, Coroutine
from typing import Any

from aiormq.abc import AbstractChannel, AbstractConnection, ChannelFrame
from pamqp.commands import Basic
from pamqp.constants import FRAME_END, FRAME_METHOD

SOON = 0.005
"""Seconds for which an ack waits for others."""

SHARE = 4
"""One part in so many of the prefetch may be acks that wait: as long as they do, the broker hands out nothing more."""

MOST = 64
"""Acks that wait, at most."""

LOOK = 1.0
"""After so many seconds it is looked whether a connection that takes nothing is still there."""

_FRAME = struct.Struct(">BHIIQ?B")
"""A whole frame (AMQP 0-9-1, 4.2.3): kind, AMQP channel, length of the following three, method, tag, multiple, end."""

_LENGTH = 4 + 8 + 1

LookAfter = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class Acks:
    """What is said about deliveries on one AMQP channel, once it is open.

    Args:
        channel: the library's.
        connection: likewise.
        prefetch: how many deliveries may be in hand at once.
        is_stale: whether nothing can be said any more.
        said: called with the number of acks that were written, or never will be.
        look_after: lets something run to its end.

    """

    def __init__(
        self,
        channel: AbstractChannel,
        connection: AbstractConnection,
        prefetch: int,
        is_stale: Callable[[], bool],
        said: Callable[[int], None],
        look_after: LookAfter,
    ) -> None:
        self._number = channel.number
        self._line = connection.write_queue
        self._together = max(1, min(prefetch // SHARE, MOST))
        self._is_stale = is_stale
        self._said = said
        self._look_after = look_after
        self._unanswered: dict[int, None] = {}  # in their order, in which they came
        self._waiting: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._saying: asyncio.Task[None] | None = None

    def came(self, tag: int) -> None:
        """Note a delivery: as long as it is not answered, it must not be acked along with others."""
        self._unanswered[tag] = None

    def answered(self, tag: int) -> None:
        """Note that the broker was told otherwise how a delivery ended."""
        self._unanswered.pop(tag, None)

    def add(self, tag: int, *, at_once: bool) -> None:
        """Ack a delivery soon."""
        self._waiting.append(tag)
        if at_once or len(self._waiting) >= self._together:
            self.say()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON, self._on_time)

    def say(self) -> None:
        """Write what waits, or see to it that it is written as soon as there is room."""
        if not self._waiting or self._is_being_said:
            return
        if self._is_stale():
            self._count(self._waiting)
        elif self._line.full():
            self._saying = self._look_after(self._say_when_there_is_room())
        else:
            self._line.put_nowait(self._frames(self._waiting))
            self._count(self._waiting)

    async def all_said(self) -> None:
        """Write what waits; return when that is done."""
        self.say()
        if self._is_being_said and self._saying is not None:
            await asyncio.wait({self._saying})

    @property
    def _is_being_said(self) -> bool:
        return self._saying is not None and not self._saying.done()

    async def _say_when_there_is_room(self) -> None:
        """Wait for room, but not without end: on a connection that dies meanwhile the library makes none."""
        while self._waiting and not self._is_stale():
            tags = self._waiting.copy()
            try:
                async with asyncio.timeout(LOOK):
                    await self._line.put(self._frames(tags))
            except TimeoutError:
                continue
            self._count(tags)
        self._count(self._waiting)

    def _on_time(self) -> None:
        self._timer = None
        self.say()

    def _count(self, tags: list[int]) -> None:
        count = len(tags)
        for tag in tags:
            self._unanswered.pop(tag, None)
        del self._waiting[:count]  # others may have come after them
        if count:
            self._said(count)

    def _frames(self, tags: list[int]) -> ChannelFrame:
        """Make the fewest acks that say it: one for all that nothing unanswered came before, one for each of the rest.

        The one for all names a delivery that is among them: of one that was answered before, the broker knows nothing
        any more, and closes the AMQP channel.
        """
        acked = set(tags)
        gap = next((tag for tag in self._unanswered if tag not in acked), None)
        frames = [self._frame(tag, multiple=False) for tag in tags if gap is not None and tag > gap]
        run = max((tag for tag in tags if gap is None or tag < gap), default=None)
        if run is not None:
            frames.insert(0, self._frame(run, multiple=True))
        return ChannelFrame(payload=b"".join(frames), should_close=False)

    def _frame(self, tag: int, *, multiple: bool) -> bytes:
        return _FRAME.pack(FRAME_METHOD, self._number, _LENGTH, Basic.Ack.index, tag, multiple, FRAME_END)
