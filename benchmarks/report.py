"""The tables of all measurements, from their records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import work
from benchmarks.contenders import OURS, PLAIN
from benchmarks.figures import Spread, ratio, spread
from benchmarks.tables import Table
from benchmarks.throughput import FLOOR

if TYPE_CHECKING:
    from collections.abc import Iterable

Record = dict[str, Any]
PARTS = {"amqp": "AMQP: consume, acknowledge", "render": "rendering", "smtp": "SMTP, pipelined"}


def valid(records: Iterable[Record], **wanted: object) -> list[Record]:
    """Give the rounds that count and are of that kind."""
    return [one for one in records if "rate" in one and all(one.get(name) == value for name, value in wanted.items())]


def of(records: Iterable[Record], field: str) -> Spread:
    """Summarise a field of rounds."""
    return spread([one[field] for one in records])


def throughput(records: list[Record]) -> list[Table]:
    """Give a table for each template and number of processes, and the floor's."""
    kinds = list(dict.fromkeys((one["template"], one["processes"]) for one in records if "template" in one))
    tables = [_contest(records, template, processes) for template, processes in kinds]
    return [*tables, *_floor(records)]


def floor_cpu(records: list[Record]) -> float:
    """Give the sum of the floor's medians, ms of CPU for each mail; 0 where it was not measured."""
    parts = [valid(records, floor=part) for part in FLOOR]
    return sum(of(part, "cpu_per_mail").median for part in parts) if all(parts) else 0.0


def best_peer(records: list[Record], field: str, *, least: bool) -> float:
    """Give the best median among the others; 0 where there is none."""
    names = dict.fromkeys(one["contender"] for one in records if one["contender"] != OURS)
    medians = [of(valid(records, contender=name), field).median for name in names]
    return (min if least else max)(medians) if medians else 0.0


def _contest(records: list[Record], template: str, processes: int) -> Table:
    rounds = [one for one in records if one.get("template") == template and one.get("processes") == processes]
    mine = valid(rounds)
    what = "html and text" if template == work.BOTH else "html only"
    table = Table(
        f"A backlog of mails, {what}, {processes} process{'es' if processes > 1 else ''}",
        ("", "mails a second", "CPU ms a mail", "MiB together", "MiB, largest process", "void rounds"),
    )
    for name in dict.fromkeys(one["contender"] for one in rounds):
        counted = valid(mine, contender=name)
        void = sum(len(one["void"]) for one in rounds if one["contender"] == name)
        cells = (
            [str(of(counted, one)) for one in ("rate", "cpu_per_mail", "together", "largest")] if counted else ["-"] * 4
        )
        table.rows.append((name, *cells, str(void)))
    table.note = _comparison(mine, floor_cpu(records))
    return table


def _comparison(rounds: list[Record], least: float) -> str:
    """Say how many times the best of the others, and the floor, ours is; and what broker and mail server cost."""
    ours = valid(rounds, contender=OURS)
    rate, cpu = best_peer(rounds, "rate", least=False), best_peer(rounds, "cpu_per_mail", least=True)
    if not ours or not rate:
        return ""
    mine_rate, mine_cpu = of(ours, "rate").median, of(ours, "cpu_per_mail").median
    said = (
        f"Against the best of the others: {ratio(mine_rate, rate)} the mails, 1/{cpu / mine_cpu:.1f} of the CPU time."
    )
    if least:
        said += f" The floor is {least:.3f} ms: {ratio(mine_cpu, least)} of it."
    servers = [sum(1000 * one[cost] / one["mails"] for one in ours) / len(ours) for cost in ("broker_cpu", "sink_cpu")]
    others = max(one["others_cpu"] / one["seconds"] for one in rounds)
    return (
        f"{said} Beside ours RabbitMQ took {servers[0]:.2f} ms of CPU for each mail, smtp-sink {servers[1]:.2f}. "
        f"Other programs had {others:.1f} cores at most: the more, the less the rates say."
    )


def _floor(records: list[Record]) -> list[Table]:
    rows = [(PARTS[part], found) for part in FLOOR if (found := valid(records, floor=part))]
    if not rows:
        return []
    table = Table("The floor: each step alone", ("", "CPU ms a mail", "a second"))
    table.rows = [(name, str(of(found, "cpu_per_mail")), str(of(found, "rate"))) for name, found in rows]
    if total := floor_cpu(records):
        table.rows.append(("together", f"{total:.3f}", f"{1000 / total:,.0f}"))
    return [table]


def parts(records: list[Record]) -> list[Table]:
    """Give a table of what each part takes: what is missing without it."""
    table = Table("Dispatcher without one of its parts, 1 process", ("left out", "CPU ms a mail", "so it takes"))
    whole = valid(records, without="nothing")
    for part in dict.fromkeys(one["without"] for one in records):
        rounds = valid(records, without=part)
        if rounds and whole:
            taken = of(whole, "cpu_per_mail").median - of(rounds, "cpu_per_mail").median
            table.rows.append((part, str(of(rounds, "cpu_per_mail")), f"{taken:.3f}" if part != "nothing" else ""))
    return [table]


def slow_server(records: list[Record]) -> list[Table]:
    """Give a table of the rates with each delay."""
    delays = sorted({one["delay"] for one in records})
    table = Table(
        "A mail server that takes its time, 1 process: mails a second", ("", *(f"{delay} ms" for delay in delays))
    )
    for name in dict.fromkeys(one["contender"] for one in records):
        found = [valid(records, contender=name, delay=delay) for delay in delays]
        table.rows.append((name, *(str(of(rounds, "rate")) if rounds else "-" for rounds in found)))
    said = []
    for delay in delays:
        rounds = valid(records, delay=delay)
        ours, plain = (valid(rounds, contender=name) for name in (OURS, PLAIN))
        if ours and plain:
            rate = of(ours, "rate").median
            best = ratio(rate, best_peer(rounds, "rate", least=False))
            said.append(
                f"{delay} ms: {ratio(rate, of(plain, 'rate').median)} the plain consumer, {best} the best other."
            )
    table.note = " ".join(said)
    return [table]


def waits(records: list[Record]) -> list[Table]:
    """Give a table of the latencies."""
    table = Table("From publishing to the server's 250, 1 process, ms", ("", "p50", "p90", "p99", "worst"))
    for one in records:
        steps = (f"{one[field]:.2f}" for field in ("p50", "p90", "p99", "worst"))
        table.rows.append((f"{OURS}, {one['rate']:.0f} mails a second, half of its most", *steps))
        table.rows.append(("one bare round of the same steps", f"{one['bare']:.2f}", "", f"{one['bare_p99']:.2f}", ""))
        table.note = (
            f"p99 is {ratio(one['p99'], one['p50'])} p50; p50 is {ratio(one['p50'], one['bare'])} the bare round."
        )
    return [table]


def chat_services(records: list[Record]) -> list[Table]:
    """Give a table for Telegram and Slack."""
    table = Table(
        "Telegram and Slack, a server on this machine, 1 process", ("", "messages a second", "CPU ms a message")
    )
    for service in dict.fromkeys(one["service"] for one in records):
        for name in dict.fromkeys(one["contender"] for one in records):
            if rounds := valid(records, service=service, contender=name):
                table.rows.append((f"{name}, {service}", *(str(of(rounds, one)) for one in ("rate", "cpu_per_mail"))))
    return [table]


def starts(records: list[Record]) -> list[Table]:
    """Give a table of the starts."""
    table = Table("From the start until messages are taken, 1 process", ("", "seconds", "MiB then"))
    for name in dict.fromkeys(one["contender"] for one in records):
        rounds = valid(records, contender=name)
        table.rows.append((name, *(str(of(rounds, one)) for one in ("seconds", "together"))))
    return [table]


def memories(records: list[Record]) -> list[Table]:
    """Give a table of the memory of ours."""
    table = Table("Memory of one process, MiB", ("", "at the first tenth", "at the end", "at most"))
    for one in records:
        if one["what"] == "waiting":
            steps = (f"{one['steps'][0]:.1f}", f"{one['steps'][-1]:.1f}")
            what = f"{OURS}, {one['waiting']:,} waiting, {one['drained']:,} of them sent"
        else:
            steps, what = ("", ""), f"{OURS}, {one['mails']} mails with a file of 5 MB"
        table.rows.append((what, *steps, f"{one['largest']:.1f}"))
    return [table]


TABLES = {
    "throughput": throughput,
    "parts": parts,
    "slow": slow_server,
    "latency": waits,
    "chats": chat_services,
    "startup": starts,
    "memory": memories,
}
