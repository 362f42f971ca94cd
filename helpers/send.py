"""Publish made-up notifications, the way a stranger would: the documented JSON over AMQP, and nothing of Dispatcher.

.venv/bin/python helpers/send.py --all-templates
.venv/bin/python helpers/send.py --template password_reset --to ada@example.org --count 100 --rate 20
.venv/bin/python helpers/send.py --count 0 --faults
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

try:
    import aio_pika
    import typer
    from aio_pika import exceptions
    from rich.console import Console
    from rich.progress import Progress

    from helpers.notifications import GENERATORS, Author, Prepared
except ModuleNotFoundError as error:
    print(f"{error.name} is missing: run `make install`, then .venv/bin/python helpers/send.py", file=sys.stderr)
    sys.exit(2)

if TYPE_CHECKING:
    from collections.abc import Callable

    from aio_pika.abc import AbstractChannel, AbstractConnection

VARIABLE = "DISPATCHER_BROKERS__RABBITMQ__URL"
DEFAULT_URL = "amqp://guest:guest@localhost:5672/"
PATIENCE = 10
IN_FLIGHT = 100  # unconfirmed messages at a time: more make nothing faster
LISTED = 24  # beyond that the message ids are no reading matter

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class CannotSend(Exception):
    """Publishing is not possible; the text is a sentence for whoever tried."""


@app.command()
def send(  # noqa: PLR0913, PLR0917 - one for each flag
    queue: Annotated[str, typer.Option(help="Queue to publish to.")] = "email",
    count: Annotated[int, typer.Option(min=0, help="How many (of each, with --all-templates).")] = 1,
    template: Annotated[str, typer.Option(help="Template to ask for.")] = "confirm_email",
    to: Annotated[list[str] | None, typer.Option(help="Recipient; may be repeated. Made up without it.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="So many a second; as fast as it goes without.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same notifications.")] = None,
    parameters: Annotated[str, typer.Option(help="JSON object; wins over made-up parameters.")] = "{}",
    url: Annotated[str, typer.Option(envvar=VARIABLE, help="The broker.", show_default=False)] = DEFAULT_URL,
    *,
    all_templates: Annotated[bool, typer.Option("--all-templates", help="Each shipped template.")] = False,
    faults: Annotated[bool, typer.Option("--faults", help="One each of four things that go wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each.")] = False,
) -> None:
    """Publish made-up notifications, as any program could."""
    author = Author(secrets.randbits(32) if seed is None else seed, to or (), _object(parameters))
    templates = list(GENERATORS) if all_templates else [template]
    prepared = [author.write(one) for _ in range(count) for one in templates]
    if faults:
        prepared.extend(author.faults())
    published = _publish(prepared, url, queue, rate)
    if as_json:
        for one in prepared:
            print(json.dumps({**_told(one), "published": published[one.message_id]}))
    else:
        print(_summary(prepared, queue, author.seed))


def _object(text: str) -> dict[str, Any]:
    try:
        parameters = json.loads(text)
    except ValueError as error:
        raise CannotSend(f"--parameters is not JSON: {error}") from error
    if not isinstance(parameters, dict):
        raise CannotSend("--parameters must be a JSON object.")
    return parameters


def _publish(prepared: list[Prepared], url: str, queue: str, rate: float | None) -> dict[str, float]:
    """Publish all; give when the broker had each of them, by message id."""
    times: dict[str, float] = {}
    console = Console(stderr=True)
    shown = console.is_terminal and (len(prepared) > LISTED or rate is not None)
    with Progress(console=console, disable=not shown, transient=True) as progress:
        bar = progress.add_task("Publishing", total=len(prepared))

        def published(one: Prepared) -> None:
            times[one.message_id] = time.time()
            progress.advance(bar)

        asyncio.run(_publish_all(prepared, url, queue, rate, published))
    return times


async def _publish_all(
    prepared: list[Prepared], url: str, queue: str, rate: float | None, published: Callable[[Prepared], None]
) -> None:
    connection = await _connect(url)
    try:
        await _ensure(connection, queue)
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        start = asyncio.get_running_loop().time()
        at_once = IN_FLIGHT if rate is None else 1
        for first in range(0, len(prepared), at_once):
            if rate is not None:
                await asyncio.sleep(start + first / rate - asyncio.get_running_loop().time())
            some = prepared[first : first + at_once]
            await asyncio.gather(*(_publish_one(channel, one, queue, published) for one in some))
    except (exceptions.AMQPError, OSError) as error:
        raise CannotSend(f"The broker would not take it: {error}") from error
    finally:
        await connection.close()


async def _publish_one(
    channel: AbstractChannel, one: Prepared, queue: str, published: Callable[[Prepared], None]
) -> None:
    message = aio_pika.Message(
        one.body,
        message_id=one.message_id,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
    await channel.default_exchange.publish(message, routing_key=queue, mandatory=True, timeout=PATIENCE)
    published(one)


async def _connect(url: str) -> AbstractConnection:
    try:
        where = aio_pika.connection.make_url(url)
        place = f"{where.host}:{where.port or 5672}"
    except ValueError as error:
        raise CannotSend(f"The URL of the broker cannot be read: {error}") from error
    if where.scheme not in {"amqp", "amqps"}:
        raise CannotSend("The URL of the broker must begin with amqp:// or amqps://.")
    try:
        return await aio_pika.connect(where, timeout=PATIENCE)
    except exceptions.ProbableAuthenticationError as error:
        raise CannotSend(f"The broker at {place} refuses the login of {where.user}.") from error
    except (exceptions.AMQPError, OSError) as error:  # a time-out is an OSError
        if isinstance(error, exceptions.AMQPConnectionError | OSError):
            raise CannotSend(
                f"No broker answers at {place}; `make up` starts one, --url or {VARIABLE} names another."
            ) from error
        raise CannotSend(f"The broker at {place} has no such virtual host, or not for {where.user}.") from error


async def _ensure(connection: AbstractConnection, queue: str) -> None:
    """Declare the queue where there is none; whatever is there already is used as it is."""
    looking = await connection.channel()
    try:
        await looking.declare_queue(queue, passive=True)
    except exceptions.ChannelNotFoundEntity:
        declaring = await connection.channel()
        await declaring.declare_queue(queue, durable=True)
        await declaring.close()
    else:
        await looking.close()


def _told(one: Prepared) -> dict[str, Any]:
    return {"message_id": one.message_id, "template": one.template, "to": one.to, "mails": one.mails}


def _summary(prepared: list[Prepared], queue: str, seed: int) -> str:
    lines = [f"{one.message_id}  {one.template} → {', '.join(one.to)}" for one in prepared[:LISTED]]
    more = [f"… and {len(prepared) - LISTED} more"] if len(prepared) > LISTED else []
    last = f"Published {len(prepared)} to {queue}; --seed {seed} makes the same ones again."
    return "\n".join([*lines, *more, last])


def main() -> int:
    """Run the command line; an error is a sentence."""
    logging.disable()  # what the AMQP library logs about a lost connection is a traceback
    try:
        app()
    except CannotSend as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
