"""Odd messages must not cost us the connection.

The library decodes the properties of a message while it reads the connection. What it cannot decode (text that is no
UTF-8, a time far beyond the calendar, headers nested a thousand deep, a routing key of any bytes) ends the connection
before we see the message; the broker hands it out again, and so for ever. Sizes are told before the properties, so the
message itself is never in doubt: what cannot be decoded is left out, and the message is worked on without. (Names of
exchanges and routing keys: see `decoding`.)

Should something remain that cannot be read even so, the error says on which AMQP channel it came, so that one queue
pays for it and not all.
"""

import logging

import pamqp.frame
from pamqp.header import ContentHeader

log = logging.getLogger(__name__)

SIZES = 12
"""Bytes before the properties: class, weight and size of the body (AMQP 0-9-1, 4.2.6.1)."""

_decode = ContentHeader.unmarshal
_read_frame = pamqp.frame.unmarshal


def _decode_what_can_be(self: ContentHeader, data: bytes) -> None:
    """Decode in the library's order; what comes after the first property that cannot be decoded stays unset."""
    try:
        _decode(self, data)
    except Exception as error:
        if len(data) < SIZES:
            raise
        log.warning("a message has properties that cannot be decoded (%s); they are left out", type(error).__name__)


def _read_or_say_where(data: bytes) -> tuple[int, int, pamqp.frame.FrameTypes]:
    """Read one frame; an error carries the number of its AMQP channel."""
    try:
        return _read_frame(data)
    except Exception as error:
        error.amqp_channel = pamqp.frame.frame_parts(data)[1]  # type: ignore[attr-defined]
        raise


def broken_channel(error: BaseException | None) -> int | None:
    """Give the number of the AMQP channel on which something came that could not be read, for an error of that kind."""
    for one in (error, getattr(error, "__cause__", None)):
        number: int | None = getattr(one, "amqp_channel", None)
        if number is not None:
            return number
    return None


def install() -> None:
    """Let the library's decoder pass over what it cannot decode; for the whole process, once."""
    ContentHeader.unmarshal = _decode_what_can_be  # type: ignore[method-assign]
    pamqp.frame.unmarshal = _read_or_say_where  # type: ignore[assignment]
