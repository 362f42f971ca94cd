"""What lead and members say to each other: lines, on a pair of sockets that closes when either of them is gone.

member → lead   a report, whenever something changed, once a second at most; or why it could not start
lead → member   `stop`: finish what is in hand; `hurry`: do not wait for it
"""

import json
from dataclasses import dataclass, field
from typing import Self

from dispatcher.words import figures, health
from dispatcher.words.figures import Figures
from dispatcher.words.health import Health

STOP = b"stop\n"
HURRY = b"hurry\n"

LONGEST_LINE = 4_000_000
"""Bytes: a report with every reason that there is takes some thousand."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a member says.

    Attributes:
        up: it takes messages, or has.
        health: how it is doing.
        figures: what it did since it was started.
        refused: why it could not start, where that is so.

    """

    up: bool = False
    health: Health = field(default_factory=Health)
    figures: Figures = field(default_factory=dict)
    refused: str | None = None

    def written(self) -> bytes:
        """Write it as one line."""
        values = {
            "up": self.up,
            "health": health.to_json(self.health),
            "figures": figures.to_json(self.figures),
            "refused": self.refused,
        }
        return json.dumps(values, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Self:
        """Read one line.

        Raises:
            ValueError: it is no report.

        """
        try:
            values = json.loads(line)
            said = (health.from_json(values["health"]), figures.from_json(values["figures"]), values["refused"])
            return cls(values["up"] is True, *said)
        except (KeyError, TypeError) as error:
            raise ValueError("is no report of a member") from error
