"""`dispatcher run`."""

import gc
import os
import sys
from typing import Annotated

import typer
from structlog.contextvars import bind_contextvars

from dispatcher.cli.common import Config, read_settings
from dispatcher.cli.log import set_up_log
from dispatcher.cli.loop import run_async
from dispatcher.crew.cores import usable_cores
from dispatcher.crew.member import Member, refuse
from dispatcher.crew.plan import Plan, Seat, lead_program
from dispatcher.manager import is_there
from dispatcher.service import serve
from dispatcher.settings import Settings
from dispatcher.words.errors import SettingsError

UNFINISHED = 3
"""Exit code: the drain took too long, and what was in hand was given back to its queue."""

REFUSED = 2
"""Exit code: it could not start."""

YOUNG = 10_000
"""So many objects are made before Python looks for cycles among them: a few mails make 700, which is its own number."""

_Member = Annotated[str | None, typer.Option("--member", hidden=True)]
_Look = Annotated[bool, typer.Option("--plan", hidden=True)]


def run(context: typer.Context, config: Config = None, member: _Member = None, look: _Look = False) -> None:
    """Run the daemon until SIGTERM or Ctrl-C; a second one does not wait for what is in hand.

    SIGHUP has it use new settings, where it has several processes (service.processes) or a service manager.

    Exits 0 when everything in hand was finished, 3 when some had to be given back, 2 when it could not start.
    """
    _spare_the_collector()
    if member is not None:
        finished = _run_member(context, config, Seat.read(member))
    else:
        settings = read_settings(context, config)
        plan = make_plan(settings)
        if look:
            typer.echo(plan.written())
            return
        if plan.processes > 1 or is_there(os.environ):
            _become_lead(plan, context, config)
        set_up_log()
        finished = run_async(serve(settings))
    if not finished:
        raise typer.Exit(UNFINISHED)


def _spare_the_collector() -> None:
    """Let Python look for cycles seldom, and not among the modules: that holds mails up for a tenth of a second."""
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)


def make_plan(settings: Settings) -> Plan:
    """Give what a lead has to know of the settings."""
    service = settings.service
    return Plan(
        service.processes or usable_cores(),
        service.health.host,
        service.health.port,
        service.drain_timeout.total_seconds(),
    )


def _become_lead(plan: Plan, context: typer.Context, config: Config) -> None:
    """Go on as another program in the same process: all that reading the settings took of memory is given back."""
    command = lead_program(plan, config or context.obj)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)  # noqa: S606 - it is this very program


def _run_member(context: typer.Context, config: Config, seat: Seat) -> bool:
    try:
        settings = read_settings(context, config)
    except SettingsError as error:
        refuse(seat, error)
        raise typer.Exit(REFUSED) from error
    set_up_log(others=True)
    bind_contextvars(process=seat.number)
    return run_async(Member(settings, seat).run())
