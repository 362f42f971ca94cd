"""`dispatcher permissions`: the least rights at RabbitMQ, as commands, so that nobody writes an expression by hand."""

from collections.abc import Iterator
from shlex import join, quote
from typing import Annotated

import typer

from dispatcher.brokers.rights import Rights, of_a_publisher, of_a_publisher_to_any_queue, of_the_daemon
from dispatcher.cli.common import Config, read_settings
from dispatcher.factories import NOTIFIERS
from dispatcher.settings import Settings
from dispatcher.words.messages import harmless

ADMINISTRATOR = "guest"
"""Who may do everything in a new RabbitMQ, and should go on to."""


def permissions(
    context: typer.Context,
    publisher: Annotated[str, typer.Option(help="The user that publishes.")] = "publisher",
    config: Config = None,
) -> None:
    """Print the commands that give the daemon and a publisher the rights at RabbitMQ that they need, and no others.

    User, virtual host and queues are those of the settings. Nothing is asked and nothing changed: run the lines where
    rabbitmqctl is, as they are or through a pipe to sh.
    """
    for line in _lines(read_settings(context, config), publisher):
        typer.echo(line)


def _lines(settings: Settings, publisher: str) -> Iterator[str]:
    rabbitmq = settings.brokers.rabbitmq
    host, user = rabbitmq.virtual_host, rabbitmq.user
    yield f"# The daemon, for the queues {', '.join(NOTIFIERS)} and what belongs to them:"
    daemon = of_the_daemon(NOTIFIERS)
    if user == ADMINISTRATOR:
        yield f"# {user} is RabbitMQ's administrator: make a user for the daemon, and name it in brokers.rabbitmq.url."
        yield f"# {_command(host, user, daemon)}"
    else:
        yield _command(host, user, daemon, between=" \\\n    ")
    yield "# A publisher that uses the exchange dispatcher. It reaches these queues and no other:"
    yield _command(host, publisher, of_a_publisher())
    yield "# One that uses the default exchange. It reaches every queue of the virtual host, dead letters included:"
    yield f"# {_command(host, publisher, of_a_publisher_to_any_queue())}"


def _command(host: str, user: str, rights: Rights, between: str = " ") -> str:
    expressions = [harmless(quote(one)) for one in (rights.configure, rights.write, rights.read)]
    return between.join([harmless(join(["rabbitmqctl", "set_permissions", "-p", host, user])), *expressions])
