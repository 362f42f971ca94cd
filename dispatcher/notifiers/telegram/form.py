"""How the parameters of a call are written: as JSON, and as a form of several parts where a file goes with them."""

import asyncio
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from telegram.request import RequestData

STEP = 1 << 16
"""Bytes of a file that are written at once; for each of them the other side has the time-out of an upload."""

SMALL = STEP >> 1
"""Bytes at most of what is written in one go: aiohttp does not wait for the other side there, whatever its headers."""

_ESCAPED = re.compile(r'["\\\x00-\x1a\x1c-\x1f]')


class Body(aiohttp.Payload):
    """What is written after the headers of a request.

    Args:
        pieces: its bytes, one after the other.
        content_type: what they are.
        patience: so many seconds the other side may take for each step.

    Attributes:
        written: whether the other side has all of it, or may get it.

    """

    def __init__(self, pieces: Sequence[bytes], content_type: str, patience: float) -> None:
        super().__init__(pieces, content_type=content_type)
        self._size = sum(map(len, pieces))
        self._is_small = self._size <= SMALL
        self._pieces = pieces
        self._patience = patience
        self.written = False

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write all of it.

        Raises:
            TimeoutError: the other side takes no more.

        """
        if self._is_small:
            await writer.write(b"".join(self._pieces))
        else:
            left = sum(map(len, self._pieces))
            for step in self._steps():
                left -= len(step)
                # The last one may arrive even when it is given up: it lies in a buffer that is emptied on closing.
                self.written = not left
                async with asyncio.timeout(self._patience):
                    await writer.write(step)
        self.written = True

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write all of it, which is as long as the header says."""
        del content_length
        await self.write(writer)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Give it as text."""
        return b"".join(self._pieces).decode(encoding, errors)

    def _steps(self) -> Iterator[memoryview]:
        for piece in self._pieces:
            view = memoryview(piece)
            yield from (view[at : at + STEP] for at in range(0, len(piece), STEP))


def write_body(data: RequestData | None, patience: float) -> Body:
    """Write the parameters of a call, as few bytes as may be copied.

    Args:
        data: the parameters.
        patience: as for `Body`.

    """
    if data is None:
        return Body((), "application/json", patience)
    if not data.contains_files:
        return Body((data.json_payload,), "application/json", patience)
    boundary = os.urandom(16).hex()
    pieces = [*_parts(data.json_parameters, data.multipart_data, boundary), f"--{boundary}--\r\n".encode()]
    return Body(pieces, f"multipart/form-data; boundary={boundary}", patience)


def _parts(fields: Mapping[str, str], files: Mapping[str, Any], boundary: str) -> Iterator[bytes]:
    begin = f'--{boundary}\r\nContent-Disposition: form-data; name="'
    for name, value in fields.items():
        yield f'{begin}{_escaped(name)}"\r\n\r\n{value}\r\n'.encode()
    for name, (filename, content, kind) in files.items():
        yield f'{begin}{_escaped(name)}"; filename="{_escaped(filename)}"\r\nContent-Type: {kind}\r\n\r\n'.encode()
        yield content
        yield b"\r\n"


def _escaped(name: str) -> str:
    """Write a name as browsers do."""
    return _ESCAPED.sub(lambda sign: "\\\\" if sign[0] == "\\" else f"%{ord(sign[0]):02X}", name)
