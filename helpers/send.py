"""Publish made-up notifications, the way a stranger would: the documented JSON over AMQP, and nothing of Dispatcher.

.venv/bin/python helpers/send.py --all-templates
.venv/bin/python helpers/send.py --queue email --template password_reset --to ada@example.org --count 100 --rate 20
.venv/bin/python helpers/send.py --queue telegram --queue slack --count 0 --faults
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

try:
    import typer
    from rich.console import Console
    from rich.progress import Progress

    from helpers.notifications import QUEUES, Author, Prepared
    from helpers.parameters import GENERATORS
    from helpers.publishing import VARIABLE, CannotSend, publish
except ModuleNotFoundError as error:
    print(f"{error.name} is missing: run `make install`, then .venv/bin/python helpers/send.py", file=sys.stderr)
    sys.exit(2)

DEFAULT_URL = "amqp://guest:guest@localhost:5672/"
LISTED = 24  # beyond that the message ids are no reading matter

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def send(  # noqa: PLR0913, PLR0917 - one for each flag
    queue: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(QUEUES)}; may be repeated. All of them without it.")
    ] = None,
    count: Annotated[int, typer.Option(min=0, help="How many for each queue (of each, with --all-templates).")] = 1,
    template: Annotated[str, typer.Option(help="Template to ask for.")] = "confirm_email",
    to: Annotated[
        list[str] | None, typer.Option(help="Recipient, with one --queue; may be repeated. Made up without it.")
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="So many a second; as fast as it goes without.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same notifications.")] = None,
    parameters: Annotated[str, typer.Option(help="JSON object; wins over made-up parameters.")] = "{}",
    url: Annotated[str, typer.Option(envvar=VARIABLE, help="The broker.", show_default=False)] = DEFAULT_URL,
    *,
    all_templates: Annotated[bool, typer.Option("--all-templates", help="Each shipped template.")] = False,
    faults: Annotated[
        bool, typer.Option("--faults", help="For each queue, one each of four things that go wrong.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each.")] = False,
) -> None:
    """Publish made-up notifications, as any program could."""
    queues = _queues(queue or (), to or ())
    author = Author(secrets.randbits(32) if seed is None else seed, to or (), _object(parameters))
    templates = list(GENERATORS) if all_templates else [template]
    prepared = [author.write(one, queue) for _ in range(count) for queue in queues for one in templates]
    if faults:
        prepared.extend(one for queue in queues for one in author.faults(queue))
    published = _publish(prepared, url, rate)
    if as_json:
        for one in prepared:
            print(json.dumps({**_told(one), "published": published[one.message_id]}))
    else:
        print(_summary(prepared, queues, author.seed))


def _queues(named: list[str] | tuple[()], to: list[str] | tuple[()]) -> list[str]:
    for queue in named:
        if queue not in QUEUES:
            raise CannotSend(f"There is no queue {queue}: --queue takes {', '.join(QUEUES)}.")
    queues = list(dict.fromkeys(named or QUEUES))
    if to and len(queues) > 1:
        raise CannotSend("--to needs one --queue: an address is good for one of them only.")
    return queues


def _object(text: str) -> dict[str, Any]:
    try:
        parameters = json.loads(text)
    except ValueError as error:
        raise CannotSend(f"--parameters is not JSON: {error}") from error
    if not isinstance(parameters, dict):
        raise CannotSend("--parameters must be a JSON object.")
    return parameters


def _publish(prepared: list[Prepared], url: str, rate: float | None) -> dict[str, float]:
    """Publish all, with a bar where somebody would wait; give when the broker had each of them, by message id."""
    console = Console(stderr=True)
    shown = console.is_terminal and (len(prepared) > LISTED or rate is not None)
    with Progress(console=console, disable=not shown, transient=True) as progress:
        bar = progress.add_task("Publishing", total=len(prepared))
        return asyncio.run(publish(prepared, url, rate, lambda: progress.advance(bar)))


def _told(one: Prepared) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("queue", "message_id", "template", "to", "messages")}


def _summary(prepared: list[Prepared], queues: list[str], seed: int) -> str:
    wide = max(map(len, queues))
    lines = [f"{one.message_id}  {one.queue:{wide}}  {one.template} → {', '.join(one.to)}" for one in prepared[:LISTED]]
    more = [f"… and {len(prepared) - LISTED} more"] if len(prepared) > LISTED else []
    counts = Counter(one.queue for one in prepared)
    said = ", ".join(f"{counts[queue]} to {queue}" for queue in queues)
    return "\n".join([*lines, *more, f"Published {said}; --seed {seed} makes the same ones again."])


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
