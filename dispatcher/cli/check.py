"""`dispatcher check`: tell whether it would work."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dispatcher.brokers.base import Broker
from dispatcher.brokers.rabbitmq import RabbitSettings
from dispatcher.cli.common import Config, read_settings
from dispatcher.cli.log import set_up_log
from dispatcher.cli.loop import run_async
from dispatcher.cli.running import ask
from dispatcher.factories import Lane, make_broker, make_lanes
from dispatcher.settings import Settings
from dispatcher.words.errors import DispatcherError, SettingsError
from dispatcher.words.health import READY, Health

_WIDE = 2000
"""Columns of a file or a pipe, in which a program or a person looks for a whole sentence."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table."""

    what: str
    sound: bool
    text: str


def check(context: typer.Context, config: Config = None) -> None:
    """Check settings, broker, queues, journal, the way to each service and every template; exit 0 only if all is well.

    A daemon that runs with the same settings is asked how it is doing. Nothing is sent and no message taken; queues
    that are missing are made.
    """
    set_up_log(level="ERROR")
    try:
        settings = read_settings(context, config)
        findings = run_async(_collect(settings))
    except SettingsError as error:
        findings = [Finding("settings", sound=False, text=str(error))]
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    console.print(_table(findings))
    if not all(finding.sound for finding in findings):
        raise typer.Exit(1)


async def _collect(settings: Settings) -> list[Finding]:
    return [finding async for finding in _findings(settings)]


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    lanes = make_lanes(settings)
    folder = settings.service.templates.path
    there = "" if folder.is_dir() else ": there is no such folder; set service.templates.path"
    yield Finding("settings", sound=not there, text=f"templates in {folder}{there}")
    yield _journal(settings.service.journal.folder)
    for finding in await _daemon(settings):
        yield finding
    waiting: dict[str, int] = {}
    async for finding in _broker(make_broker(settings), settings, lanes, waiting):
        yield finding
    if len(nodes := settings.brokers.rabbitmq.each_node) > 1:
        for node in nodes:
            yield await _node(settings, node)
    for lane in lanes:
        yield await _service(lane, waiting.get(lane.queue))
        for finding in _templates(lane):
            yield finding


def _journal(folder: Path | None) -> Finding:
    """Write something in the folder of the journal, or where the daemon will make it; it is gone at once.

    It is not made here: who checks may be somebody else, and the daemon could not write what is his.
    """
    if folder is None:
        text = "there is no folder for it, since you have no home; set service.journal.path"
        return Finding("journal", sound=False, text=text)
    try:
        place = _nearest(folder)
        with TemporaryFile(dir=place) as file:
            file.write(b"\n")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        text = f"{folder} cannot be written: {why}; correct that, or set service.journal.path"
        return Finding("journal", sound=False, text=text)
    return Finding("journal", sound=True, text=f"in {folder}" + ("" if place == folder else ", which is not there yet"))


def _nearest(folder: Path) -> Path:
    """Give the folder, or the nearest of those above it that there is."""
    for place in (folder, *folder.parents):
        with suppress(FileNotFoundError):
            place.stat()
            return place
    return folder


async def _daemon(settings: Settings) -> list[Finding]:
    """Ask the daemon that runs with these settings, if there is one."""
    found = await ask(settings.service.health)
    if found.health is None:
        return [Finding("daemon", sound=found.sound, text=found.text)]
    wrong = [Finding("daemon", sound=False, text=text) for text in _troubles(found.health)]
    return wrong or [Finding("daemon", sound=True, text="ready")]


def _troubles(health: Health) -> Iterator[str]:
    if health.stopping:
        yield "stopping: it finishes what is in hand and takes nothing new"
    elif not health.queues:
        yield "starting: it serves no queue yet"
    if health.processes is not None and health.processes[0] < health.processes[1]:
        yield "{} of {} processes run; the log says why".format(*health.processes)
    for name, queue in health.queues.items():
        if queue.state not in READY:
            yield f"{name}: {queue}"
    if health.journal is not None:
        yield f"journal: {health.journal}"


async def _broker(
    broker: Broker, settings: Settings, lanes: tuple[Lane, ...], waiting: dict[str, int]
) -> AsyncIterator[Finding]:
    """Look at the broker and its queues; note how many messages wait in each."""
    try:
        await broker.start(patient=False)
        yield Finding("broker", sound=True, text=settings.brokers.rabbitmq.address)
        for lane in lanes:
            waiting[lane.queue] = await broker.declare(lane.queue)
            yield Finding(f"queue {lane.queue}", sound=True, text="with its delay queues and dead letters")
        for lack in broker.lacks:
            yield Finding("permissions", sound=False, text=lack)
    except DispatcherError as error:
        yield Finding("broker", sound=False, text=str(error))
    finally:
        await broker.close()


async def _node(settings: Settings, node: RabbitSettings) -> Finding:
    """Look whether one node of a cluster can be had: a daemon is content with another."""
    brokers = settings.brokers.model_copy(update={"rabbitmq": node})
    broker = make_broker(settings.model_copy(update={"brokers": brokers}))
    try:
        await broker.start(patient=False)
    except DispatcherError as error:
        return Finding("node", sound=False, text=str(error))
    finally:
        await broker.close()
    return Finding("node", sound=True, text=node.address)


async def _service(lane: Lane, waiting: int | None) -> Finding:
    if lane.notifier is None:
        count = f"; {waiting} waiting" if waiting is not None else ""
        return Finding(lane.queue, sound=True, text=f"off, {lane.off}{count}")
    try:
        return Finding(lane.queue, sound=True, text=await lane.notifier.check())
    except DispatcherError as error:
        return Finding(lane.queue, sound=False, text=str(error))
    finally:
        await lane.notifier.close()


def _templates(lane: Lane) -> Iterator[Finding]:
    try:
        lane.renderer.check()
    except DispatcherError as failure:
        yield Finding(f"templates/{lane.queue}", sound=False, text=str(failure))
        return
    results = lane.renderer.compile_all()
    broken = [(path, error) for path, error in results if error is not None]
    for path, error in broken:
        yield Finding(f"template {path}", sound=False, text=error)
    count = len(results) - len(broken)
    yield Finding(
        f"templates/{lane.queue}",
        sound=bool(results or lane.off) and not broken,
        text=f"{count} of {len(results)} compile",
    )


def _table(findings: list[Finding]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    for _ in range(3):
        table.add_column(overflow="fold")  # a long path is broken, never cut
    for finding in findings:
        mark = "[green]ok[/]" if finding.sound else "[red]wrong[/]"
        table.add_row(mark, Text(finding.what), Text(finding.text))
    return table
