"""The lead of a daemon in several processes: what `dispatcher run` becomes where `service.processes` is more than one.

It imports little: its process is small and soon up.
"""

import asyncio
import signal
import sys
from pathlib import Path

from dispatcher.cli.log import set_up_log
from dispatcher.cli.loop import run_async
from dispatcher.crew.lead import Lead
from dispatcher.crew.plan import Plan
from dispatcher.crew.reload import Reload

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run() -> None:
    """Lead, by the plan and the configuration among the arguments; end with the exit code of the daemon."""
    plan, *named = sys.argv[2:]
    set_up_log()
    sys.exit(run_async(_lead(Plan.read(plan), Path(named[0]) if named else None)))


async def _lead(plan: Plan, config: Path | None) -> int:
    lead = Lead(plan, config)
    reload = Reload(lead, config)
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, lead.stop)
    # A terminal that is closed says SIGHUP too, and means the end.
    loop.add_signal_handler(signal.SIGHUP, lead.stop if sys.stderr.isatty() else reload.ask)
    code = await lead.run()
    if lead.refused:
        sys.stderr.write(f"dispatcher: {lead.refused}\n")
    return code
