"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from benchmarks import chats, latency, machine, memory, page, parts, plan, plot, report, slow, startup, throughput
from benchmarks.contenders import ROOT
from benchmarks.sink import NoSinkError
from benchmarks.stage import RoundError, Stage
from helpers.node_programs import NodeFailure

if TYPE_CHECKING:
    from types import ModuleType

PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / ".run" / "bench"
SECTIONS: dict[str, ModuleType] = {
    "throughput": throughput,
    "parts": parts,
    "slow": slow,
    "latency": latency,
    "chats": chats,
    "startup": startup,
    "memory": memory,
}
IN_SHORT = ("throughput", "latency")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=…", description="What a notification costs, here and elsewhere."
    )
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--quick", dest="plan", action="store_const", const=plan.QUICK, help="at most two minutes")
    much.add_argument("--long", dest="plan", action="store_const", const=plan.LONG, help="everything, at length")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="one of the measurements; may be repeated")
    parser.add_argument("--rounds", type=int, help="so many rounds")
    parser.add_argument("--results", type=Path, help="measure nothing: tell what an earlier run wrote into this file")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md and its picture anew")
    return parser.parse_args()


def main() -> int:
    """Measure and tell; an error is a sentence."""
    given = arguments()
    chosen = given.plan or plan.DEFAULT
    if given.rounds:
        chosen = replace(chosen, rounds=given.rounds)
    names: list[str] = given.only or list(IN_SHORT if given.plan is plan.QUICK else SECTIONS)
    console = Console()
    try:
        results = json.loads(given.results.read_text()) if given.results else measure(chosen, names, console)
    except (NodeFailure, NoSinkError, RoundError) as error:
        print(error, file=sys.stderr)
        return 2
    tables = {name: report.TABLES[name](records) for name, records in results["records"].items()}
    for table in (table for some in tables.values() for table in some):
        console.print(table.shown(), "")
    console.print(machine.sentence(results["machine"]))
    if not given.results:
        path = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
        path.write_text(json.dumps(results, indent=1))
        console.print(f"Raw results: {path.relative_to(ROOT)}")
    if given.page:
        page.write(PAGE, tables, results["machine"])
        if "throughput" in tables:
            plot.draw(PAGE.with_suffix(".svg"), results["records"]["throughput"], results["machine"])
    return 0


def measure(chosen: plan.Plan, names: list[str], console: Console) -> dict[str, Any]:
    """Run the measurements that were asked for."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with Stage(RESULTS / "stage") as stage, console.status("starting") as status:
        seen = machine.look(stage.version(), " ".join(["make bench", *_given()]))
        records = {name: SECTIONS[name].measure(stage, chosen, status.update) for name in names}
    return {"machine": seen, "records": records}


def _given() -> list[str]:
    return [f"ARGS={shlex.quote(' '.join(sys.argv[1:]))}"] if sys.argv[1:] else []


if __name__ == "__main__":
    sys.exit(main())
