"""`dispatcher run`."""

import typer

from dispatcher.cli.common import Door, run_async
from dispatcher.observers.setup import set_up_log
from dispatcher.service import serve

UNFINISHED = 3
"""Exit code: the drain took too long, and what was in hand was given back to its queue."""


def run(context: typer.Context) -> None:
    """Run the daemon until SIGTERM or Ctrl-C; a second one does not wait for what is in hand.

    Exits 0 when everything in hand was finished, 3 when some had to be given back, 2 when it could not start.
    """
    door: Door = context.obj
    settings = door.settings()
    set_up_log()
    if not run_async(serve(settings)):
        raise typer.Exit(UNFINISHED)
