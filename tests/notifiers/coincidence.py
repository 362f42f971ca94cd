"""An answer and a cancellation that come at the same moment: the loop is held until the answer lies in the socket.

The servers live in a thread of their own, for they must answer while the loop stands still.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, Self

HELD = 10.0
"""Seconds after which a test fails rather than hangs."""


class Server(threading.Thread):
    """Takes what `talk` reads, and answers only when it is told to; a context manager.

    Args:
        talk: speaks on one connection; calls `Server.answer` where the answer to what was taken is due.

    Attributes:
        port: where it listens.
        taken: how much was taken.

    """

    def __init__(self, talk: "Callable[[Server, Any], None]") -> None:
        super().__init__(daemon=True)
        self.taken = 0
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._got, self._go, self._answered = threading.Event(), threading.Event(), threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._go.set()
        self.join(HELD)

    def run(self) -> None:
        """Speak on one connection after the other."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, connection.makefile("rwb", buffering=0) as line, contextlib.suppress(OSError):
                    self._talk(self, line)

    def answer(self, line: Any, answer: bytes) -> None:
        """Count what was taken; when the loop is held, answer."""
        self.taken += 1
        self._got.set()
        assert self._go.wait(HELD)
        self._go.clear()
        line.write(answer)
        self._answered.set()

    def cancel_with_the_answer(self, task: asyncio.Task[Any], turns: int) -> None:
        """Hold the loop when something was taken, let the answer come, and cancel, so many turns of the loop later."""
        loop = asyncio.get_running_loop()

        def step(left: int) -> None:
            if left:
                loop.call_soon(step, left - 1)
            else:
                task.cancel()

        def look() -> None:
            if not self._got.is_set():
                loop.call_later(0.0005, look)
                return
            self._got.clear()
            self._go.set()
            assert self._answered.wait(HELD)
            self._answered.clear()
            step(turns)

        look()


def speak_smtp(server: Server, line: Any) -> None:
    """Speak SMTP."""
    line.write(b"220 test.example\r\n")
    while command := line.readline():
        verb = command[:4].upper()
        if verb == b"DATA":
            line.write(b"354 go on\r\n")
            while line.readline() != b".\r\n":
                pass
            server.answer(line, b"250 2.0.0 queued as TEST\r\n")
        elif verb == b"QUIT":
            line.write(b"221 bye\r\n")
            return
        else:
            line.write(b"250 ok\r\n")


def speak_http(body: bytes) -> Callable[[Server, Any], None]:
    """Speak HTTP, and answer all with this."""

    def talk(server: Server, line: Any) -> None:
        while line.readline():
            length = 0
            while (header := line.readline()) != b"\r\n":
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            while length:
                length -= len(line.read(length))
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            server.answer(line, head.encode() + body)

    return talk
