"""What a daemon says of outages, for cases that wait for it."""

from tests.faults.bench import Bench
from tests.waiting import until

QUICK = {"notifiers__email__mails_per_connection": 5}
"""Connections are replaced so often that a server that takes no new ones is soon noticed."""


def pauses(bench: Bench, queue: str = "email") -> int:
    """Count the outages that were said to begin."""
    return sum(one["event"].startswith(f"{queue}: paused") for daemon in bench.daemons for one in daemon.log)


def resumptions(bench: Bench, queue: str = "email") -> int:
    """Count the outages that were said to be over."""
    return sum(one["event"].startswith(f"{queue}: taking") for daemon in bench.daemons for one in daemon.log)


async def paused(bench: Bench, times: int = 1, queue: str = "email") -> None:
    """Wait until so many outages were said to begin."""
    await until(lambda: pauses(bench, queue) >= times, what=f"{queue} is paused for the {times}. time")


async def over(bench: Bench, queue: str = "email") -> None:
    """Wait until every outage was said to be over."""
    await until(lambda: resumptions(bench, queue) >= pauses(bench, queue), what=f"{queue} is taken from again")
