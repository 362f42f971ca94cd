"""`dispatcher run`."""

import typer

from dispatcher.cli.common import Config, read_settings, run_async
from dispatcher.cli.log import set_up_log
from dispatcher.service import serve

UNFINISHED = 3
"""Exit code: the drain took too long, and what was in hand was given back to its queue."""


def run(context: typer.Context, config: Config = None) -> None:
    """Run the daemon until SIGTERM or Ctrl-C; a second one does not wait for what is in hand.

    Exits 0 when everything in hand was finished, 3 when some had to be given back, 2 when it could not start.
    """
    settings = read_settings(context, config)
    set_up_log()
    if not run_async(serve(settings)):
        raise typer.Exit(UNFINISHED)
