"""Odd properties of a message must not cost us the connection.

The library decodes the properties of a message while it reads the connection. One that it cannot decode (text that is
no UTF-8, a time far beyond the calendar, headers nested a thousand deep) ends the connection before we see the message;
the broker hands it out again, and so for ever. Sizes are told before the properties, so the message itself is never in
doubt: what cannot be decoded is left out, and the message is worked on without.
"""

import logging

from pamqp.header import ContentHeader

log = logging.getLogger(__name__)

SIZES = 12
"""Bytes before the properties: class, weight and size of the body (AMQP 0-9-1, 4.2.6.1)."""

_decode = ContentHeader.unmarshal


def _decode_what_can_be(self: ContentHeader, data: bytes) -> None:
    """Decode in the library's order; what comes after the first property that cannot be decoded stays unset."""
    try:
        _decode(self, data)
    except (ValueError, OverflowError, RecursionError) as error:
        if len(data) < SIZES:
            raise
        log.warning("a message has properties that cannot be decoded (%s); they are left out", type(error).__name__)


def install() -> None:
    """Let the library's decoder pass over what it cannot decode; for the whole process, once."""
    ContentHeader.unmarshal = _decode_what_can_be  # type: ignore[method-assign]
