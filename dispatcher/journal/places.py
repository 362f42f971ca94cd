"""What stands in one place of the file of what is in hand: 40 bytes about one message, in a place of 64.

A place lies within one page of memory, so that no process dies in the middle of writing it. Who reads it while it is
written may see half of each, which the check at its end betrays; so does what was not written by us.
"""

import struct
from collections.abc import Collection, Iterator
from typing import NamedTuple
from zlib import crc32

SIZE = 64
HELD = 1
WORKED = 2
MOST_SLOTS = 64
"""Only slots below this one find room."""

_FORM = struct.Struct("<16sQQI")
_CHECK = struct.Struct("<I")
LENGTH = _FORM.size + _CHECK.size
FREE = bytes(LENGTH)


class Place(NamedTuple):
    """What is said of one message.

    Attributes:
        key: the message.
        at: when somebody was last served, in milliseconds since 1970.
        served: the slots of those who were, as bits.
        state: whether it is in hand, and worked on (`HELD`, `WORKED`).

    """

    key: bytes
    at: int
    served: int
    state: int

    @property
    def slots(self) -> list[int]:
        """The slots of those who were served."""
        return [slot for slot in range(self.served.bit_length()) if self.served >> slot & 1]


def pack(key: bytes, at: int, served: int, state: int) -> bytes:
    """Give the bytes."""
    said = _FORM.pack(key, at, served, state)
    return said + _CHECK.pack(crc32(said))


def unpack(record: bytes) -> Place | None:
    """Read the bytes; nothing where the place is free, or holds what we did not write."""
    said, check = record[: _FORM.size], record[_FORM.size : LENGTH]
    if len(record) < LENGTH or _CHECK.unpack(check)[0] != crc32(said):
        return None
    return Place(*_FORM.unpack(said))


def every(content: bytes) -> Iterator[Place]:
    """Give all that stands in a file."""
    for at in range(0, len(content), SIZE):
        place = unpack(content[at : at + LENGTH])
        if place is not None:
            yield place


def among(content: bytes, key: bytes) -> tuple[list[Place], bool]:
    """Give what a file says of one message, and whether all of that could be read."""
    found, sound = [], True
    at = content.find(key)
    while at >= 0:
        if at % SIZE == 0:
            place = unpack(content[at : at + LENGTH])
            if place is None:
                sound = False
            else:
                found.append(place)
        at = content.find(key, at + 1)
    return found, sound


def bits(slots: Collection[int]) -> int | None:
    """Give slots as bits; nothing where one does not find room."""
    served = 0
    for slot in slots:
        if not 0 <= slot < MOST_SLOTS:
            return None
        served |= 1 << slot
    return served
