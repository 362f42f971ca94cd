"""From bytes to answers: RFC 5321 4.2 and 4.2.1, strictly, but for a bare line feed, which ends a line, too."""

import re
from collections.abc import Iterator

from dispatcher.notifiers.email.replies import Reply

LONGEST_LINE = 8192
LONGEST_ANSWER = 4 * LONGEST_LINE
"""More than any server has to say, in bytes; RFC 5321 4.5.3.1.5 thinks of 512."""

_CODE = re.compile(rb"[2-5][0-9]{2}")
_USUAL = re.compile(rb"([2-5][0-9]{2}) ([!-~][ -~]{0,509})\r\n")
"""An answer in one line, as nearly all are: this alone tells what `_take` would find out step by step."""

_QUOTED = 80  # of what is no answer, in bytes


class Odd(Exception):
    """What came is no SMTP; the text is how it begins."""

    def __init__(self, line: bytes) -> None:
        super().__init__(line[:_QUOTED].decode("utf-8", "replace"))


class Reading:
    """What has come of an answer that is not whole."""

    def __init__(self) -> None:
        self._rest = b""  # of a line
        self._lines: list[bytes] = []  # of an answer of several
        self._length = 0  # of those

    @property
    def begun(self) -> bool:
        """Whether there is any of it."""
        return bool(self._rest or self._lines)

    def feed(self, data: bytes) -> Iterator[Reply]:
        """Give the answers that are whole now.

        Raises:
            Odd: what follows is none, or too long for one.

        """
        start = 0
        if self._rest:
            data = self._rest + data
        elif not self._lines:
            while usual := _USUAL.match(data, start):
                start = usual.end()
                yield Reply(int(usual[1]), usual[2].decode("ascii").rstrip())
        while (end := data.find(b"\n", start)) >= 0:
            reply = self._take(data[start:end].rstrip())
            start = end + 1
            if reply is not None:
                yield reply
        self._rest = data[start:]
        if len(self._rest) > LONGEST_LINE:
            raise Odd(self._rest)

    def _take(self, line: bytes) -> Reply | None:
        """Take one line; give the answer whose last one it is."""
        code, mark = line[:3], line[3:4]
        self._length += len(line)
        if len(line) > LONGEST_LINE or self._length > LONGEST_ANSWER:
            raise Odd(line)
        if not _CODE.fullmatch(code) or mark not in {b"", b" ", b"-"}:
            raise Odd(line)
        if self._lines and not self._lines[0].startswith(code):
            raise Odd(line)  # all lines of an answer have its code
        if mark == b"-":
            self._lines.append(line)
            return None
        text = line[4:].strip()
        if self._lines:
            text = b"\n".join([*(one[4:].strip() for one in self._lines), text])
            self._lines.clear()
        self._length = 0
        return Reply(int(code), text.decode("utf-8", "surrogateescape"))
