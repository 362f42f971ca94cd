"""Tell whether an AMQP broker really speaks at an address, with nothing but the standard library.

An open port says little: a forwarded one is open with nobody behind it, and a starting broker accepts before it serves.
So this speaks the first sentences of AMQP 0-9-1 (section 2.2.4 of its specification):

    client                          broker
    AMQP 0 0 9 1            ->
                            <-      connection.start        `speaks` is satisfied here: no password was sent
    connection.start-ok     ->
                            <-      connection.tune         the login is accepted
    connection.tune-ok      ->
    connection.open         ->
                            <-      connection.open-ok      `welcomes` is satisfied here: the virtual host serves
"""

from __future__ import annotations

import re
import socket
import ssl
import struct
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = b"AMQP\x00\x00\x09\x01"
START, START_OK, TUNE, TUNE_OK, OPEN, OPEN_OK = ((10, number) for number in (10, 11, 30, 31, 40, 41))
FRAME_END = 0xCE
FRAME_MAX = 1 << 20


def speaks(url: str, timeout: float = 3.0) -> bool:
    """Tell whether an AMQP broker greets at the URL; nothing secret is sent."""
    return _converses(url, timeout, lambda connection: _expect(connection, START))


def welcomes(url: str, timeout: float = 3.0, *, node: str = "") -> bool:
    """Tell whether the broker at the URL accepts its login and opens its virtual host.

    Args:
        url: where, and as whom.
        timeout: seconds for each answer.
        node: what its name must begin with: another broker may have taken the port in the meantime.

    """
    return _converses(url, timeout, lambda connection: _log_in(connection, url, node))


def version(url: str, timeout: float = 3.0) -> tuple[int, ...]:
    """Give the version that the broker at the URL greets with: `(3, 10, 8)`.

    Raises:
        ValueError: no RabbitMQ greets there.

    """
    said: list[bytes] = []
    _converses(url, timeout, lambda connection: said.append(_expect(connection, START)))
    # An entry of its table of properties: the name, and a text (S) with its length in four bytes.
    found = re.search(rb"\x07versionS\x00\x00\x00.(\d+)\.(\d+)\.(\d+)", b"".join(said), re.DOTALL)
    if found is None:
        raise ValueError("no RabbitMQ greets at {}:{}".format(*place(url)))
    return tuple(map(int, found.groups()))


def place(url: str) -> tuple[str, int]:
    """Give host and port of an AMQP URL."""
    parts = urlsplit(url)
    return parts.hostname or "localhost", parts.port or (5671 if parts.scheme == "amqps" else 5672)


def _converses(url: str, timeout: float, conversation: Callable[[socket.socket], object]) -> bool:
    try:
        with socket.create_connection(place(url), timeout) as plain, _perhaps_encrypted(plain, url) as connection:
            connection.sendall(HEADER)
            conversation(connection)
    except (OSError, ValueError, struct.error):
        return False
    return True


def _perhaps_encrypted(plain: socket.socket, url: str) -> socket.socket:
    if not url.startswith("amqps:"):
        return plain
    # Whom we talk to is the daemon's question; here only whether anybody speaks AMQP, and no password goes this way.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=place(url)[0])


def _log_in(connection: socket.socket, url: str, node: str) -> None:
    parts = urlsplit(url)
    user, password = (unquote(part or "guest").encode() for part in (parts.username, parts.password))
    host = unquote(parts.path[1:]).encode() or b"/"
    if node.encode() not in _expect(connection, START):  # it says its cluster's name, by default that of its first node
        raise ValueError("this is another broker")
    secret = b"\x00" + user + b"\x00" + password
    nobody = struct.pack(">I", 0)  # an empty table: what a client says about itself
    _say(connection, START_OK, nobody + _short(b"PLAIN") + struct.pack(">I", len(secret)) + secret + _short(b"en_US"))
    limits = _expect(connection, TUNE)
    _say(connection, TUNE_OK, limits[:8])
    _say(connection, OPEN, _short(host) + _short(b"") + b"\x00")
    _expect(connection, OPEN_OK)


def _short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def _say(connection: socket.socket, method: tuple[int, int], arguments: bytes) -> None:
    content = struct.pack(">HH", *method) + arguments
    connection.sendall(struct.pack(">BHI", 1, 0, len(content)) + content + bytes([FRAME_END]))


def _expect(connection: socket.socket, method: tuple[int, int]) -> bytes:
    """Read one frame; give the arguments of its method, or raise `ValueError` where it is another one."""
    kind, _, size = struct.unpack(">BHI", _read(connection, 7))
    if kind != 1 or size > FRAME_MAX:
        raise ValueError("this is not AMQP 0-9-1")
    content = _read(connection, size + 1)
    if content[-1] != FRAME_END or struct.unpack(">HH", content[:4]) != method:
        raise ValueError("the broker says something else")
    return content[4:-1]


def _read(connection: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        more = connection.recv(size - len(read))
        if not more:
            raise ConnectionResetError("the other side hung up")
        read += more
    return read
