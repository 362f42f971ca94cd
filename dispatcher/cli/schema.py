"""`dispatcher schema`."""

import json
from typing import Annotated

import typer

from dispatcher.contract.schema import json_schema
from dispatcher.factories import CONTRACTS
from dispatcher.words.errors import DispatcherError


def schema(queue: Annotated[str, typer.Argument(help="The queue whose messages it describes.")] = "email") -> None:
    """Print the JSON Schema of the messages in a queue."""
    if queue not in CONTRACTS:
        raise DispatcherError(f"there is no queue {queue}; known are {', '.join(CONTRACTS)}")
    typer.echo(json.dumps(json_schema(queue, CONTRACTS[queue]), indent=2, ensure_ascii=False))
