"""Ports of the loopback interface: which are free, and which of them stay free."""

from __future__ import annotations

import random
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_listening(port: int) -> bool:
    """Tell whether somebody listens on a port of the loopback interface.

    To try whether it is free would take it for a moment, from one who is just about to listen on it.
    """
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port(preferred: int | None = None, *, besides: Container[int] = ()) -> int:
    """Give a port that is free now: the preferred one, or one that will still be free after a restart.

    Below 32768: the ports above are given to outgoing connections. One of those could take the port while a node is
    down; even a client that tries to reconnect to it can, and is then connected to itself.
    """
    if preferred is not None and preferred not in besides and is_free(preferred):
        return preferred
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        if port not in besides and is_free(port):
            return port


def free_ports(names: Iterable[str], preferred: Mapping[str, int] | None = None) -> dict[str, int]:
    """Give a free port for each name, all different; the preferred one where it is free."""
    ports: dict[str, int] = {}
    for name in names:
        ports[name] = free_port((preferred or {}).get(name), besides=ports.values())
    return ports
