"""What is in hand: tasks of our own, one for each delivery, until it is settled."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

SETTLE_TIMEOUT = timedelta(seconds=5)
"""How long a drain waits, past its own time, for what was interrupted to be given back."""


class Hands:
    """The deliveries in hand."""

    def __init__(self) -> None:
        self._full: set[asyncio.Task[None]] = set()
        self._trying: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._full)

    def take(self, processing: Coroutine[Any, Any, None]) -> None:
        """Begin to process a delivery.

        The broker's own tasks are cancelled with their connection, in the middle of a conversation; these are not.
        """
        task = asyncio.create_task(processing)
        self._full.add(task)
        task.add_done_callback(self._full.discard)

    def begin_trying(self) -> asyncio.Task[None]:
        """Let a drain interrupt the task that processes a delivery, from now on; give that task."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self._trying.add(task)
        return task

    def end_trying(self, task: asyncio.Task[None]) -> None:
        """Let a drain interrupt it no more."""
        self._trying.discard(task)

    async def drain(self, within: timedelta) -> bool:
        """Wait until all are settled; after a time, interrupt what is being tried.

        Returns:
            whether nothing had to be interrupted.

        """
        if await self._until_empty(within):
            return True
        for task in tuple(self._trying):
            task.cancel()
        if not await self._until_empty(SETTLE_TIMEOUT):
            for task in tuple(self._full):
                task.cancel()
        return False

    async def _until_empty(self, within: timedelta) -> bool:
        if not self._full:
            return True
        _, pending = await asyncio.wait(self._full, timeout=within.total_seconds())
        return not pending
