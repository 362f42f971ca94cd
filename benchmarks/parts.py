"""Where the time goes: ours with one part after the other left out."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks import contenders
from benchmarks.race import Errand
from benchmarks.throughput import turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.plan import Plan
    from benchmarks.stage import Stage

PARTS = ("nothing", "rendering", "composing", "journal", "log")


def measure(stage: Stage, plan: Plan, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Let ours take its turn without each of the parts, round after round."""
    ours = contenders.named(contenders.OURS)
    records = []
    for number in range(plan.rounds):
        for part in PARTS:
            say(f"round {number + 1}: without {part}")
            one = replace(ours, commands=partial(_commands, part))
            records.append(turn(stage, one, 1, Errand(2 * plan.mails * ours.pace), without=part))
    return records


def _commands(part: str, processes: int) -> list[list[str]]:
    return [[sys.executable, "-m", "benchmarks.apps.without", part]] * processes
