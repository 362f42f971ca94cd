"""`dispatcher send <queue> …`: publish one notification."""

import json
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from dispatcher.brokers.base import Broker
from dispatcher.cli.common import Config, read_settings
from dispatcher.cli.log import set_up_log
from dispatcher.cli.loop import run_async
from dispatcher.contract.base import decode
from dispatcher.factories import contract_of, make_broker
from dispatcher.words.errors import WrongArgument
from dispatcher.words.messages import Message


def send(
    context: typer.Context,
    queue: Annotated[str, typer.Argument(help="The queue: email, telegram or slack.")],
    template: Annotated[str, typer.Option(help="Name of the template.")],
    to: Annotated[list[str], typer.Option(help="Address, chat id, #name…; may be given more than once.")],
    param: Annotated[
        list[str] | None, typer.Option(help="name=value for the template; may be given more than once.")
    ] = None,
    parameters: Annotated[Path | None, typer.Option(help="A JSON file with the parameters.")] = None,
    subject: Annotated[str | None, typer.Option(help="Of a mail; wins over the template's own.")] = None,
    locale: Annotated[str | None, typer.Option(help="Such as de-AT.")] = None,
    config: Config = None,
) -> None:
    """Publish one notification; print its id."""
    contract = contract_of(queue)
    if subject is not None and "subject" not in contract.model_fields:
        raise WrongArgument(f"--subject: what goes to {queue} has no subject; give it as --param where a template does")
    body: dict[str, Any] = {"template": template, "to": to, "parameters": _parameters(parameters, param or [])}
    body |= {name: value for name, value in (("subject", subject), ("locale", locale)) if value is not None}
    message = Message(body=json.dumps(body, ensure_ascii=False).encode(errors="replace"), id=str(uuid4()))
    decode(contract, message.body)
    settings = read_settings(context, config)
    set_up_log(level="WARNING")
    run_async(_publish(make_broker(settings), queue, message))
    typer.echo(message.id)


async def _publish(broker: Broker, queue: str, message: Message) -> None:
    try:
        await broker.start(patient=False)
        await broker.publish(queue, message)
    finally:
        await broker.close()


def _parameters(file: Path | None, pairs: list[str]) -> dict[str, Any] | list[Any]:
    given = _read(file) if file is not None else {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise WrongArgument(f"--param {pair}: write it as name=value")
        if not isinstance(given, dict):
            raise WrongArgument(f"--param {pair}: the parameters in {file} are a list, one for each recipient")
        given[name] = value
    return given


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WrongArgument(f"the parameters {file} cannot be read: {error}") from None
