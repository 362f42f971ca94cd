"""A number of places that may change, and a line before them that can be sent away."""

import asyncio
from collections import deque

from dispatcher.words.errors import Failure


class Places:
    """So many may be in at once; who came first comes in first. `async with` is to be in.

    Args:
        size: how many.

    Attributes:
        size: how many.
        taken: how many are in; more than `size` for a while after that became less.

    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken = 0
        self._line: deque[asyncio.Future[Failure | None]] = deque()

    async def __aenter__(self) -> None:
        """Come in; wait for a place if there is none.

        Raises:
            Failure: those who waited were sent away with it.

        """
        if self.taken < self.size and not self._line:
            self.taken += 1
        else:
            turn: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
            self._line.append(turn)
            await self._wait(turn)

    async def __aexit__(self, *_: object) -> None:
        """Go out."""
        self.leave()

    async def give_way(self) -> None:
        """Go out, and come in again before all others, when one of those who are in goes out, or is out already.

        Raises:
            Failure: those who waited were sent away with it. Who is sent away, or cancelled, is in nevertheless.

        """
        turn: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
        self._line.appendleft(turn)
        self.leave()
        try:
            await self._wait(turn)
        except BaseException:
            self.taken += 1  # he goes out in his own time
            raise

    def leave(self) -> None:
        """Give a place to who is next."""
        self.taken -= 1
        self._admit()

    def resize(self, size: int) -> None:
        """Have another number of places; nobody who is in is sent out."""
        self.size = size
        self._admit()

    def dismiss(self, failure: Failure) -> None:
        """Send away all who wait now; who comes later may wait again."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(failure)

    async def _wait(self, turn: asyncio.Future[Failure | None]) -> None:
        try:
            failure = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result() is None:
                self.leave()  # it was given to us at the same moment
            raise
        if failure is not None:
            raise Failure(failure.kind, failure.reason, failure.text, wait=failure.wait)

    def _admit(self) -> None:
        while self._line and self.taken < self.size:
            turn = self._line.popleft()
            if not turn.done():
                self.taken += 1
                turn.set_result(None)
