"""Where messages are kept: in memory, the newest so many, and who is told of each.

The loop of the sandbox writes; a test or the demonstration may read from another thread.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from helpers.inboxes.messages import Message

KEPT = 1000
KEPT_BYTES = 64 * 1024 * 1024
WAITING = 200
"""So many events may wait for a browser before it counts as gone: it connects again and asks for the list."""


class Event(NamedTuple):
    """Something that a listener is told: its name and its JSON."""

    name: str
    data: dict[str, Any]


class Listener:
    """Who wants to know what arrives, and what it was not told yet."""

    def __init__(self, give_up: Callable[[], object]) -> None:
        """Prepare it; `give_up` is called when too much waits."""
        self._events: asyncio.Queue[Event] = asyncio.Queue(WAITING)
        self._give_up = give_up

    async def next(self) -> Event:
        """Wait for the next event."""
        return await self._events.get()

    def tell(self, event: Event) -> bool:
        """Put an event in line; tell whether there was room."""
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull:
            self._give_up()
            return False
        return True


class Store:
    """The messages, oldest first.

    Args:
        kept: how many at most.
        kept_bytes: how many bytes at most; the newest message stays, however large it is.

    """

    def __init__(self, kept: int = KEPT, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept = kept
        self._kept_bytes = kept_bytes
        self._messages: dict[int, Message] = {}
        self._bytes = 0
        self._given = 0
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()

    def add(self, make: Callable[[int, float], Message]) -> Message:
        """Keep a message, made from the id and the time it gets; the oldest make room."""
        self._given += 1
        message = make(self._given, time.time())
        with self._lock:
            self._messages[message.id] = message
            self._bytes += message.weight
        self._tell(Event("message", message.summary))
        self._make_room()
        return message

    def get(self, number: int) -> Message | None:
        """Give a message, if it is kept."""
        return self._messages.get(number)

    def all(self, service: str | None = None) -> list[Message]:
        """Give all messages, or those of a service, oldest first."""
        with self._lock:
            return [message for message in self._messages.values() if service in {None, message.service}]

    def find(self, service: str | None = None, search: str = "") -> list[Message]:
        """Give the messages that have each word of the search, newest first."""
        words = search.casefold().split()
        return [message for message in reversed(self.all(service)) if message.has(words)]

    def delete(self, number: int) -> bool:
        """Forget a message; tell whether it was there."""
        return bool(self._forget([number]))

    def clear(self, service: str | None = None) -> None:
        """Forget all, or those of a service."""
        with self._lock:
            for message in [one for one in self._messages.values() if service in {None, one.service}]:
                self._drop(message)
        self._tell(Event("cleared", {"service": service, "ids": None}))

    def listen(self, listener: Listener) -> None:
        """Tell somebody of everything from now on."""
        self._listeners.add(listener)

    def leave(self, listener: Listener) -> None:
        """Tell somebody no more."""
        self._listeners.discard(listener)

    def _make_room(self) -> None:
        over = []
        left, weight = len(self._messages), self._bytes
        for message in self._messages.values():
            if left == 1 or (left <= self._kept and weight <= self._kept_bytes):
                break
            over.append(message.id)
            left, weight = left - 1, weight - message.weight
        self._forget(over)

    def _forget(self, numbers: Sequence[int]) -> list[int]:
        with self._lock:
            gone = [self._messages[number] for number in numbers if number in self._messages]
            for message in gone:
                self._drop(message)
        if gone:
            self._tell(Event("cleared", {"service": None, "ids": [message.id for message in gone]}))
        return [message.id for message in gone]

    def _drop(self, message: Message) -> None:
        del self._messages[message.id]
        self._bytes -= message.weight

    def _tell(self, event: Event) -> None:
        self._listeners = {listener for listener in self._listeners if listener.tell(event)}
