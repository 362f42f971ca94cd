"""The socket of a service manager, on which a test hears what it is told (sd_notify(3)), and by whom."""

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Self

_CREDENTIALS = struct.Struct("3i")
"""Who sent it: pid, uid, gid (unix(7))."""


@dataclass
class Told:
    """One datagram: its lines, who sent it, and when."""

    values: dict[str, str]
    sender: int
    at: float = field(default_factory=monotonic)


class Ear:
    """The socket; a context manager.

    Args:
        address: a path, or `@name` for one without a file.

    Attributes:
        told: all that came, in its order.

    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.told: list[Told] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def open(self) -> None:
        """Be there, and hear nothing yet."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.setblocking(False)  # noqa: FBT003 - it takes no name
        self._socket.bind(self.address.replace("@", "\0", 1) if self.address.startswith("@") else self.address)

    def listen(self) -> None:
        """Hear what was said, and what will be."""
        asyncio.get_running_loop().add_reader(self._socket, self._hear)

    def __enter__(self) -> Self:
        self.open()
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hear no more."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def vanish(self) -> None:
        """Be gone, as for a daemon that is started by hand in an environment that was copied."""
        Path(self.address).unlink()

    def _hear(self) -> None:
        data, extra, flags, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
        assert not flags & socket.MSG_TRUNC, "systemd ignores what is longer"
        ((_, _, credentials),) = extra
        lines = data.decode().split("\n")
        self.told.append(Told(dict(line.split("=", 1) for line in lines), _CREDENTIALS.unpack(credentials)[0]))

    def all(self, name: str) -> list[str]:
        """Give what was said under a name, in its order."""
        return [one.values[name] for one in self.told if name in one.values]

    @property
    def status(self) -> str:
        """What `systemctl status` would show."""
        return (self.all("STATUS") or [""])[-1]

    def order(self, *names: str) -> list[str]:
        """Give which of these names came, in their order."""
        return [name for one in self.told for name in names if name in one.values]

    def gaps(self, name: str) -> list[float]:
        """Give the seconds between two of a name, the last one until now included."""
        times = [one.at for one in self.told if name in one.values]
        return [after - before for before, after in zip(times, [*times[1:], monotonic()], strict=True)]
