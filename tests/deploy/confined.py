"""Start a program under what a unit forbids, as far as that needs no systemd: `python -m tests.deploy.confined …`.

System calls, memory that is written and then run, families of sockets, capabilities, new privileges. What systemd does
with mounts is not tried. The work is libseccomp's, as it is in systemd, which brings it along.
"""

import ctypes
import os
import subprocess
import sys
from errno import EAFNOSUPPORT, EPERM
from itertools import count

from tests.deploy.unit import Unit

ALLOW = 0x7FFF0000
ERRNO = 0x00050000
"""Actions of seccomp.h; the second with a number of errno.h."""

EQUAL, MASKED = 4, 7
"""Comparisons of seccomp.h."""

WRITE, EXECUTE = 2, 4
"""Rights of memory, of mman.h."""

CAPBSET_DROP, SET_NO_NEW_PRIVS = 24, 38
"""Of prctl(2)."""

FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
MOST_FAMILIES = 46


class _Compare(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


class Filter:
    """A filter of system calls."""

    def __init__(self, default: int) -> None:
        self._library = ctypes.CDLL("libseccomp.so.2")
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action: int, name: str, *compare: tuple[int, int, int, int]) -> None:
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # others are of other machines
            array = (_Compare * len(compare))(*(_Compare(*one) for one in compare))
            done = self._library.seccomp_rule_add_array(
                self._context, ctypes.c_uint32(action), number, len(compare), array
            )
            assert done == 0, (name, done)

    def load(self) -> None:
        assert 0 == self._library.seccomp_load(self._context)


def calls(names: list[str]) -> set[str]:
    """Give the system calls of these names and sets, as this machine's systemd has them."""
    sets: dict[str, list[str]] = {}
    listed = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        if line.startswith("@"):
            members = sets[line.strip()] = []
        elif line.startswith("    ") and not line.strip().startswith("#"):
            members.append(line.strip())

    def walk(name: str) -> set[str]:
        return {name} if name[0] != "@" else set().union(*map(walk, sets[name]))

    return set().union(*map(walk, names))


def confine(unit: Unit) -> None:
    """Forbid this process and all that it starts what the unit forbids."""
    c = ctypes.CDLL(None, use_errno=True)
    allowed, denied = (line.split() for line in unit.said["SystemCallFilter"])
    assert denied[0].startswith("~")
    families = unit["RestrictAddressFamilies"].split()
    for capability in count():  # until there is none of that number
        if c.prctl(CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    c.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)

    memory = Filter(ALLOW)
    memory.add(ERRNO | EPERM, "mmap", (2, MASKED, WRITE | EXECUTE, WRITE | EXECUTE))
    memory.add(ERRNO | EPERM, "mprotect", (2, MASKED, EXECUTE, EXECUTE))
    memory.add(ERRNO | EPERM, "pkey_mprotect", (2, MASKED, EXECUTE, EXECUTE))
    for number in set(range(MOST_FAMILIES)) - {FAMILIES[name] for name in families}:
        memory.add(ERRNO | EAFNOSUPPORT, "socket", (0, EQUAL, number, 0))
    memory.load()

    system = Filter(ERRNO | EPERM)
    for name in calls(["@default", *allowed]) - calls([denied[0][1:], *denied[1:]]):
        system.add(ALLOW, name)
    system.load()


if __name__ == "__main__":
    confine(Unit())
    os.chdir("/")
    os.execv(sys.argv[1], sys.argv[1:])
