"""An outage of hours, by probes that are quick: nothing grows, nothing is touched, all is sent after it."""

from pathlib import Path

from tests.faults.bench import LONG, Bench
from tests.faults.count import Promise
from tests.faults.outages import paused, pauses
from tests.smtp_server import SmtpServer
from tests.waiting import until

WAITING = 20_000 if LONG else 500
PROBES = 2_000 if LONG else 40
"""Two hours have some 130, a minute apart at the end."""

WARM = 10
"""After so many probes the daemon has what it needs."""

MOST = 5 * 1024
"""So much it may grow, in KiB."""


def memory(process: int) -> int:
    """Give the resident memory of a process, in KiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


async def test_it_is_away_for_hours(bench: Bench, smtp: SmtpServer):
    smtp.answer("CONNECT", "554 5.3.2 closed", always=True)
    await bench.publish(WAITING)
    sizes: list[int] = []
    async with bench.fault():
        daemon = await bench.start(service__probe__shortest="10ms", service__probe__longest="20ms")
        assert daemon._process is not None
        await paused(bench)
        await until(lambda: _all_wait(bench), what="all of them wait in the queue")
        touched = 0
        for probe in range(PROBES):
            if probe == WARM:  # by then the log has told of those that were in hand when it began
                touched = len(daemon.settled())
            seen = smtp.seen["CONNECT"]
            await until(lambda seen=seen: smtp.seen["CONNECT"] > seen, what=f"probe {probe}")
            sizes.append(memory(daemon._process.pid))
        assert await _all_wait(bench)
        assert touched == len(daemon.settled())
        smtp.forget()

    name = f"SMTP away for {PROBES:,} probes, {WAITING:,} messages wait"
    await bench.verdict(name, Promise(), within=400 if LONG else 30)
    assert 1 == pauses(bench)
    print(f"memory: {sizes[WARM]} KiB, at most {max(sizes[WARM:])} KiB")
    assert max(sizes[WARM:]) - sizes[WARM] < MOST


async def _all_wait(bench: Bench) -> bool:
    return await bench.waiting() == WAITING
