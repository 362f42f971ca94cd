"""Publishing with properties that no client library would write: frames by hand (AMQP 0-9-1, 4.2.6)."""

import socket
import struct

import pamqp.frame
from pamqp import commands

FRAME_END = b"\xce"
HEADERS, MESSAGE_ID, TIMESTAMP = 1 << 13, 1 << 7, 1 << 6


def short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def long(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def table(name: bytes, value: bytes) -> bytes:
    """A table of headers with one entry; the value with its type before it."""
    return long(short(name) + value)


def nested(depth: int) -> bytes:
    """Lists in lists."""
    value = b"A" + long(b"")
    for _ in range(depth):
        value = b"A" + long(value)
    return value


def publish(
    port: int, virtual_host: str, key: str | bytes, body: bytes, flags: int, properties: bytes, *, exchange: str = ""
) -> None:
    """Publish one message with these bytes as routing key and properties; return when the broker has read it."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection, connection.makefile("rb") as reader:

        def say(frame: object, number: int = 0) -> None:
            connection.sendall(pamqp.frame.marshal(frame, number))

        def hear() -> None:
            kind_and_number_and_size = reader.read(7)
            reader.read(struct.unpack(">BHI", kind_and_number_and_size)[2] + 1)

        connection.sendall(b"AMQP\x00\x00\x09\x01")
        hear()
        say(commands.Connection.StartOk({}, "PLAIN", "\0guest\0guest", "en_US"))
        hear()
        say(commands.Connection.TuneOk(100, 131_072, 0))
        say(commands.Connection.Open(virtual_host))
        hear()
        say(commands.Channel.Open(), 1)
        hear()
        key = key.encode() if isinstance(key, str) else key
        method = struct.pack(">HHH", 60, 40, 0) + short(exchange.encode()) + short(key) + b"\0"
        connection.sendall(struct.pack(">BHI", 1, 1, len(method)) + method + FRAME_END)
        header = struct.pack(">HHQH", 60, 0, len(body), flags) + properties
        connection.sendall(struct.pack(">BHI", 2, 1, len(header)) + header + FRAME_END)
        connection.sendall(struct.pack(">BHI", 3, 1, len(body)) + body + FRAME_END)
        say(commands.Channel.Close(200, "", 0, 0), 1)
        hear()
