"""How much is done: quick, by default, or long."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Plan:
    """How much of each measurement.

    Attributes:
        rounds: how often each contender takes its turn.
        mails: the backlog of the others; ours and the floor get four times as many, which take them as long.
        processes: the numbers of processes.
        html_rounds: rounds with html only.
        chats: messages to Telegram and to Slack.
        slow_seconds: how long a contender may take with a slow server, about.
        latency_seconds: how long is published at half load.
        waiting: messages that wait while memory is measured.
        drained: how many of them are sent meanwhile.
        large: messages of 5 MB.
        starts: how often a start is timed.

    """

    rounds: int = 3
    mails: int = 600
    processes: tuple[int, ...] = (1, 2)
    html_rounds: int = 1
    chats: int = 400
    slow_seconds: float = 3.0
    latency_seconds: float = 8.0
    waiting: int = 100_000
    drained: int = 10_000
    large: int = 40
    starts: int = 2


DEFAULT = Plan()
QUICK = replace(
    DEFAULT,
    rounds=1,
    mails=250,
    html_rounds=0,
    chats=150,
    slow_seconds=1.5,
    latency_seconds=3.0,
    waiting=10_000,
    drained=2_000,
    large=10,
    starts=1,
)
LONG = replace(
    DEFAULT,
    rounds=5,
    mails=2_000,
    html_rounds=3,
    chats=2_000,
    slow_seconds=10.0,
    latency_seconds=30.0,
    waiting=1_000_000,
    drained=100_000,
    large=300,
    starts=7,
)
