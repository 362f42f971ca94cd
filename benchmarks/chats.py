"""Telegram and Slack, against a web server on this machine that takes everything at once."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks import contenders, work
from benchmarks.race import Errand
from benchmarks.sink import Web
from benchmarks.throughput import turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.plan import Plan
    from benchmarks.stage import Stage

AUTHORS = {"telegram": work.telegram, "slack": work.slack}
UNLIMITED = {"telegram": ("CHAT", "GROUP", "BOT"), "slack": ("CONVERSATION", "WORKSPACE")}
PATHS = {"telegram": "", "slack": "/api"}
TOKENS = {"telegram": "123456:" + "a" * 35, "slack": "xoxb-1-a"}
CONSUMER = "pika + requests"


def measure(stage: Stage, plan: Plan, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Let ours and a plain consumer take turns."""
    records = []
    for number in range(plan.rounds):
        for service in AUTHORS:
            for one, errand in takers(service, plan.chats):
                say(f"round {number + 1}: {service}, {one.name}")
                records.append(turn(stage, one, 1, errand, service=service))
    return records


def takers(service: str, messages: int) -> list[tuple[contenders.Contender, Errand]]:
    """Give who takes part, and what each of them does."""
    ours = replace(contenders.named(contenders.OURS), queue=service)
    command = [sys.executable, "-m", "benchmarks.apps.chats", service]
    plain = replace(contenders.named(contenders.PLAIN), name=CONSUMER, commands=partial(_times, command))
    server = _Once()
    return [
        (ours, Errand(messages * 2, AUTHORS[service], server.take, settings=settings(service, server.web.port))),
        (plain, Errand(messages, AUTHORS[service], Web)),
    ]


def settings(service: str, port: int) -> tuple[tuple[str, str], ...]:
    """Give the settings of ours for a service: a token, its address, and no pace."""
    section = f"NOTIFIERS__{service.upper()}"
    return (
        (f"{section}__TOKEN", TOKENS[service]),
        (f"{section}__API_URL", f"http://127.0.0.1:{port}{PATHS[service]}"),
        *((f"{section}__PACE__{name}", "none") for name in UNLIMITED[service]),
    )


class _Once:
    """A server whose port is known before it runs."""

    def __init__(self) -> None:
        self.web = Web()

    def take(self) -> Web:
        return self.web


def _times(command: list[str], processes: int) -> list[list[str]]:
    return [command] * processes
