"""Lines of JSON on standard error: those about settlements are gathered and written together.

Everything else is written at once, and what was gathered goes before it, so that the order stays. Whoever ends in order
loses nothing: Python flushes its handlers. Only a process that is killed takes the last twentieth of a second with it.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from json.encoder import encode_basestring as quote
from select import PIPE_BUF
from time import gmtime, strftime, time
from typing import Any, TextIO

from dispatcher.cli.redact import may_need_redacting, redact, tame

GATHER = 0.05
"""So many seconds a line waits for others, at most…"""

MOST = 200
"""…and so many wait together."""


class LineHandler(logging.Handler):
    """Writes the log in lines.

    Args:
        stream: where to.
        context: what is in all lines.
        shared: other processes write to the same pipe: nothing larger is written at once than what stays whole there.

    """

    def __init__(
        self, stream: TextIO, context: Callable[[], Mapping[str, Any]] = dict, *, shared: bool = False
    ) -> None:
        super().__init__()
        self._shared = shared
        self._context = context
        self._stream = stream
        self._lines: list[str] = []
        self._second = 0
        self._prefix = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, and those before it."""
        try:
            self._lines.append(self.format(record) + "\n")
        except Exception:  # noqa: BLE001 - as every handler does: no line must bring down who wrote it
            self.handleError(record)
        self.flush()

    def tell(self, level: int, said: Mapping[str, Any]) -> None:
        """Write a line that was not formatted by anybody else: ten times less work than the usual way.

        Args:
            level: nothing below `WARNING` is written at once.
            said: what is in the line; the names must be ours.

        """
        fields = [f'"{name}": {_value(value)}' for name, value in said.items()]
        fields += [f"{quote(name)}: {_value(value)}" for name, value in self._context().items()]
        line = ", ".join(fields)
        word = logging.getLevelName(level).lower()
        self._lines.append(f'{{{line}, "level": "{word}", "timestamp": "{self._now()}"}}\n')
        if level >= logging.WARNING or len(self._lines) >= MOST:
            self.flush()
        elif len(self._lines) == 1:
            try:
                asyncio.get_running_loop().call_later(GATHER, self.flush)
            except RuntimeError:  # nobody would come back to it
                self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        if self._lines:
            pieces = list(_pieces(self._lines)) if self._shared else ["".join(self._lines)]
            self._lines.clear()
            with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
                for text in pieces:
                    self._stream.write(text)
                    self._stream.flush()

    def _now(self) -> str:
        now = time()
        second = int(now)
        if second != self._second:
            self._second, self._prefix = second, strftime("%Y-%m-%dT%H:%M:%S", gmtime(second))
        return f"{self._prefix}.{int((now - second) * 1_000_000):06d}Z"


def _pieces(lines: list[str]) -> Iterator[str]:
    """Put as many lines together as a pipe takes without a line of another process in between (POSIX, `write`)."""
    piece, length = "", 0
    for line in lines:
        added = len(line.encode(errors="replace"))
        if piece and length + added > PIPE_BUF:
            yield piece
            piece, length = "", 0
        piece += line
        length += added
    yield piece


def _value(value: object) -> str:
    if isinstance(value, str):
        return tame(quote(redact(value) if may_need_redacting(value) else value))
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if type(value) is int or type(value) is float:
        return repr(value)
    return json.dumps(value, default=repr)
