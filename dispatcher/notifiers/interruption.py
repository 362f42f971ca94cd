"""Cancelled while an answer is on its way: what has arrived is read first.

An answer may lie in the socket, or come in the very turn of the loop in which we are cancelled. Whoever forgot it then
would send again what was sent. So it counts, and the cancellation is left where `asyncio` counts it.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from dispatcher.words.errors import Failure, Kind, Reason

TURNS = 20
"""So many turns of the loop it takes, at most, until an answer that lies in the socket has gone through a library."""

T = TypeVar("T")


def interrupted(when: str) -> Failure:
    """Give the failure for those who were not served because the dispatcher was stopped: before what, or after."""
    return Failure(Kind.OUTAGE, Reason.INTERRUPTED, f"the dispatcher was stopped {when}")


class Interruption:
    """Whether the task that made it was cancelled since, though nobody raised it."""

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._before = self._task.cancelling() if self._task else 0

    @property
    def came(self) -> bool:
        """Whether it was."""
        return self._task is not None and self._task.cancelling() > self._before


async def finish(answer: Coroutine[Any, Any, T]) -> T:
    """Await what reads an answer. When we are cancelled, it may finish if all it needs has arrived already.

    Then its result is given, or what it raises is raised, and an `Interruption` tells of the cancellation.

    Raises:
        asyncio.CancelledError: we were cancelled, and there is no answer; nobody reads on.

    """
    reading = asyncio.ensure_future(answer)
    try:
        try:
            await asyncio.wait({reading})
        except asyncio.CancelledError:
            if not await _look(reading):
                raise
        return reading.result()
    finally:
        reading.cancel()


async def _look(reading: asyncio.Task[T]) -> bool:
    """Let it go on for some turns, then end it; tell whether it has come to something."""
    for _ in range(TURNS):
        if reading.done():
            return True
        await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait({reading})
    return not reading.cancelled() and reading.exception() is None
