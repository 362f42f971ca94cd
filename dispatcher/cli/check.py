"""`dispatcher check`: would it work? Nothing is sent and nothing taken."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dispatcher.brokers.base import Broker
from dispatcher.cli.common import Door, run_async
from dispatcher.factories import Desk, make_broker, make_desks
from dispatcher.observers.setup import set_up_log
from dispatcher.settings import Settings
from dispatcher.words.errors import DispatcherError, SettingsError


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table."""

    what: str
    sound: bool
    words: str


def check(context: typer.Context) -> None:
    """Check settings, broker, queues, the way to each service and every template; exit 0 only if all is well."""
    door: Door = context.obj
    set_up_log(level="ERROR")
    try:
        settings = door.settings()
    except SettingsError as error:
        findings = [Finding("settings", sound=False, words=str(error))]
    else:
        findings = run_async(_collect(settings))
    Console().print(_table(findings))
    if not all(finding.sound for finding in findings):
        raise typer.Exit(1)


async def _collect(settings: Settings) -> list[Finding]:
    return [finding async for finding in _findings(settings)]


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    yield Finding("settings", sound=True, words=f"templates in {settings.service.templates.path}")
    desks = make_desks(settings)
    async for finding in _broker(make_broker(settings), settings, desks):
        yield finding
    for desk in desks:
        yield await _service(desk)
        for finding in _templates(desk):
            yield finding


async def _broker(broker: Broker, settings: Settings, desks: tuple[Desk, ...]) -> AsyncIterator[Finding]:
    try:
        await broker.start(patient=False)
        yield Finding("broker", sound=True, words=settings.brokers.rabbitmq.address)
        for desk in desks:
            await broker.declare(desk.queue)
            yield Finding(f"queue {desk.queue}", sound=True, words="with its delay queues and dead letters")
    except DispatcherError as error:
        yield Finding("broker", sound=False, words=str(error))
    finally:
        await broker.close()


async def _service(desk: Desk) -> Finding:
    try:
        return Finding(desk.queue, sound=True, words=await desk.notifier.check())
    except DispatcherError as error:
        return Finding(desk.queue, sound=False, words=str(error))
    finally:
        await desk.notifier.close()


def _templates(desk: Desk) -> Iterator[Finding]:
    results = desk.renderer.compile_all()
    broken = [(path, error) for path, error in results if error is not None]
    for path, error in broken:
        yield Finding(f"template {path}", sound=False, words=error)
    count = len(results) - len(broken)
    yield Finding(
        f"templates/{desk.queue}", sound=bool(results) and not broken, words=f"{count} of {len(results)} compile"
    )


def _table(findings: list[Finding]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.sound else "[red]wrong[/]"
        table.add_row(mark, Text(finding.what), Text(finding.words))
    return table
