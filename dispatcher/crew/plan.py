"""What the lead has to know of the settings, and how a member is called: all that passes between processes as text."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

MAIN = str(Path(__file__).resolve().parent.parent / "main.py")
LEAD = "--lead"
"""What tells `main` that it is to be the lead."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the lead has to know of the settings.

    Attributes:
        processes: how many members there are.
        host: where the page of health is.
        port: likewise; 0 means no page.
        drain_timeout: how long a member may take to finish what is in hand, in seconds.

    """

    processes: int
    host: str
    port: int
    drain_timeout: float

    def written(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        """Read it again."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Seat:
    """Which member of how many a process is.

    Attributes:
        number: from 1.
        of: how many there are.
        wire: the file descriptor of its end of the socket to the lead.

    """

    number: int
    of: int
    wire: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}/{self.wire}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `str` gives."""
        return cls(*map(int, text.split("/")))


def program(*arguments: str, config: Path | None) -> list[str]:
    """Give the command that starts this very program again, with the same configuration."""
    named = [] if config is None else ["--config", str(config)]
    return [sys.executable, MAIN, *arguments, *named]


def lead_program(plan: Plan, config: Path | None) -> list[str]:
    """Give the command that leads."""
    return [sys.executable, MAIN, LEAD, plan.written(), *([] if config is None else [str(config)])]
