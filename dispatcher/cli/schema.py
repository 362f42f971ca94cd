"""`dispatcher schema`."""

import json
from typing import Annotated

import typer

from dispatcher.contract.schema import json_schema
from dispatcher.factories import contract_of


def schema(queue: Annotated[str, typer.Argument(help="The queue whose messages it describes.")] = "email") -> None:
    """Print the JSON Schema of the messages in a queue."""
    typer.echo(json.dumps(json_schema(queue, contract_of(queue)), indent=2, ensure_ascii=False))
