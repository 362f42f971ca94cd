"""The commands and what they share: where the configuration is, and errors as sentences with exit code 2."""

import sys
from typing import Annotated

import typer

from dispatcher import __version__
from dispatcher.cli import check, permissions, schema, send, serve
from dispatcher.cli.common import Config
from dispatcher.words.errors import DispatcherError

app = typer.Typer(
    name="dispatcher",
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="One daemon that tells people things: notifications from RabbitMQ, through templates, to people.",
)
app.command("run")(serve.run)
app.command("check")(check.check)
app.command("send")(send.send)
app.command("schema")(schema.schema)
app.command("permissions")(permissions.permissions)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dispatcher {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def door(
    context: typer.Context,
    config: Config = None,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Run the daemon, unless a command says otherwise."""
    context.obj = config
    if context.invoked_subcommand is None:
        serve.run(context)


def run() -> None:
    """Run the command line; what goes wrong is one sentence on standard error, and exit code 2."""
    try:
        app(prog_name="dispatcher")
    except DispatcherError as error:
        sys.stderr.write(f"dispatcher: {error}\n")
        sys.exit(2)
