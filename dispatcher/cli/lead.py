"""The lead: what `dispatcher run` becomes where it has several processes, or one and a service manager that reloads it.

It imports little: its process is small and soon up.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from dispatcher.cli.log import set_up_log
from dispatcher.cli.loop import run_async
from dispatcher.crew.lead import Lead
from dispatcher.crew.plan import Plan
from dispatcher.crew.reload import Reload
from dispatcher.crew.watch import Watch
from dispatcher.manager import ServiceManager

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run() -> None:
    """Lead, by the plan and the configuration among the arguments; end with the exit code of the daemon."""
    plan, *named = sys.argv[2:]
    set_up_log()
    sys.exit(run_async(_lead(Plan.read(plan), Path(named[0]) if named else None)))


async def _lead(plan: Plan, config: Path | None) -> int:
    manager = ServiceManager.take(os.environ)
    lead = Lead(plan, config)
    watch = Watch(lead, Reload(lead, config), manager)
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, watch.stop)
    # A terminal that is closed says SIGHUP too, and means the end.
    loop.add_signal_handler(signal.SIGHUP, watch.stop if sys.stderr.isatty() else watch.reload)
    watching = [loop.create_task(watch.run()), loop.create_task(manager.keep_told())]
    code = await lead.run()
    for one in watching:
        one.cancel()
    manager.close()
    if lead.refused:
        sys.stderr.write(f"dispatcher: {lead.refused}\n")
    return code
