"""A bounded number of places, and a line before them that can be sent away."""

import asyncio
from collections import deque

from dispatcher.words.errors import Failure


class Places:
    """So many may be in at once; who came first comes in first.

    Args:
        number: how many.

    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._line: deque[asyncio.Future[Failure | None]] = deque()

    async def take(self) -> None:
        """Take a place; wait for one if there is none.

        Raises:
            Failure: those who waited were sent away with it.

        """
        if self._free and not self._line:
            self._free -= 1
            return
        turn: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            failure = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result() is None:
                self.free()  # it was given to us at the same moment
            raise
        if failure is not None:
            raise Failure(failure.kind, failure.reason, failure.text, wait=failure.wait)

    def free(self) -> None:
        """Give a place to who is next."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def dismiss(self, failure: Failure) -> None:
        """Send away all who wait now; who comes later may wait again."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(failure)
