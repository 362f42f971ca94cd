"""Servers that take everything at once, or after a delay, and say with each how many they took, like `smtp-sink -c`.

    python -m benchmarks.servers smtp PORT DELAY [FILE]    SMTP; milliseconds between the final dot and its reply
    python -m benchmarks.servers http PORT                 the Bot API and Slack's Web API: whatever comes was sent

With FILE it writes when each mail was answered when it ends: the number of its recipient, and `time.monotonic()`.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBER = re.compile(rb"user(\d+)@")
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
DATA = b"DATA"
REPLIES = {b"EHLO": b"250-bench\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 50000000\r\n", DATA: b"354 go on\r\n"}
OK = b"250 2.0.0 OK\r\n"
SENT = {
    b"telegram": {
        "ok": True,
        "result": {"message_id": 1, "date": 1_700_000_000, "chat": {"id": 1, "type": "private"}, "text": "Hello"},
    },
    b"slack": {"ok": True, "channel": "C1", "ts": "1700000000.000100", "message": {"text": "Hello"}},
}


class Takes(Protocol):
    """Who is told of each message that was taken."""

    def __call__(self, number: int) -> None:
        """Count it."""


class Count:
    """How many were taken; each new count is said at once."""

    def __init__(self) -> None:
        """Begin with none."""
        self.taken: list[tuple[int, float]] = []

    def __call__(self, number: int) -> None:
        """Count one more."""
        self.taken.append((number, time.monotonic()))
        sys.stdout.write(f"mesg={len(self.taken)}\r")
        sys.stdout.flush()


class Smtp(asyncio.Protocol):
    """A mail server: it takes what comes, and answers the final dot late."""

    def __init__(self, delay: float, take: Takes) -> None:
        """Prepare it; the delay is in seconds."""
        self._delay = delay
        self._take = take
        self._buffer = b""
        self._in_mail = False
        self._number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(b"220 bench ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """Take commands and mails."""
        self._buffer += data
        replies = []
        while (part := self._next()) is not None:
            replies.append(part)
        if said := b"".join(replies):
            self._transport.write(said)

    def _next(self) -> bytes | None:
        """Give the reply to what comes next; nothing where it is not complete."""
        end, length = (b"\r\n.\r\n", 5) if self._in_mail else (b"\r\n", 2)
        at = self._buffer.find(end)
        if at < 0:
            return None
        line, self._buffer = self._buffer[:at], self._buffer[at + length :]
        if self._in_mail:
            self._in_mail = False
            asyncio.get_running_loop().call_later(self._delay, self._answer, self._number)
            return b""
        return self._command(line)

    def _command(self, line: bytes) -> bytes:
        if found := NUMBER.search(line):
            self._number = int(found[1])
        verb = line[:4].upper()
        self._in_mail = verb == DATA
        if verb == b"QUIT":
            asyncio.get_running_loop().call_soon(self._transport.close)
        return REPLIES.get(verb, OK)

    def _answer(self, number: int) -> None:
        self._transport.write(OK)
        self._take(number)


class Http(asyncio.Protocol):
    """A web server: each request is a message that was sent."""

    def __init__(self, take: Takes) -> None:
        """Prepare it."""
        self._take = take
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self._buffer += data
        while (at := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:at]
            found = LENGTH.search(head)
            end = at + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < end:
                return
            self._buffer = self._buffer[end:]
            body = json.dumps(SENT[b"telegram" if b"/bot" in head.partition(b"\r\n")[0] else b"slack"]).encode()
            headers = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            self._transport.write(headers % len(body) + body)
            self._take(0)


async def serve(port: int, protocol: Callable[[Count], asyncio.Protocol], count: Count) -> None:
    """Serve until SIGTERM."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await loop.create_server(lambda: protocol(count), "127.0.0.1", port, backlog=200)
    await ended.wait()


def main(kind: str, port: str, delay: str = "0", file: str = "") -> None:
    """Serve one kind."""
    seconds = float(delay) / 1000
    kinds: dict[str, Callable[[Count], asyncio.Protocol]] = {"smtp": lambda count: Smtp(seconds, count), "http": Http}
    count = Count()
    uvloop.run(serve(int(port), kinds[kind], count))
    if file:
        Path(file).write_text("".join(f"{number} {at!r}\n" for number, at in count.taken))


if __name__ == "__main__":
    main(*sys.argv[1:])
