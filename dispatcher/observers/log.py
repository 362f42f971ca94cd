"""The first observer: one line for each settlement. No parameters and no secrets in it."""

import logging
from typing import Any

import structlog

from dispatcher.words.errors import Failure, Reason
from dispatcher.words.outcomes import Deferred, Rejected, Settlement
from dispatcher.words.values import format_duration

LEVELS = {
    "accepted": logging.INFO,
    "split": logging.INFO,
    "released": logging.INFO,
    "deferred": logging.WARNING,
    "rejected": logging.ERROR,
}


class LogObserver:
    """Writes each settlement to the log, and each unknown field name once."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("dispatcher.settlements")
        self._root = logging.getLogger()
        self._logger = logging.getLogger("dispatcher.settlements")
        self._unknown: set[tuple[str, str]] = set()

    def __call__(self, settlement: Settlement) -> None:
        """Write the line."""
        outcome, failure = settlement.outcome, settlement.failure
        level = _level(settlement, outcome, failure)
        if self._logger.isEnabledFor(level):
            self._write(level, _line(settlement, outcome, failure))
        for name in settlement.message.notes.get("unknown_fields", ()):
            self._warn_once(settlement.queue, name)

    def _write(self, level: int, line: dict[str, Any]) -> None:
        """Hand the line to who can write it without the usual formatting, where that is all there is."""
        handlers = self._root.handlers
        tell = getattr(handlers[0], "tell", None) if len(handlers) == 1 else None
        if tell is None:
            self._log.log(level, "settled", **line)
        else:
            tell(level, {**line, "event": "settled"})

    def _warn_once(self, queue: str, name: str) -> None:
        if (queue, name) not in self._unknown and len(self._unknown) < MOST_NAMES:
            self._unknown.add((queue, name))
            self._log.warning("a field that the contract does not know is ignored", queue=queue, field=name[:SHOWN])


MOST_NAMES = 1000
"""Unknown field names that are remembered: publishers must not fill our memory."""

SHOWN = 100


def _level(settlement: Settlement, outcome: str, failure: Failure | None) -> int:
    if settlement.lost or settlement.message.notes.get("remark"):
        return logging.WARNING
    if outcome == "deferred" and failure is not None and failure.reason is Reason.PACED:
        return logging.DEBUG  # waiting for one's turn is nothing that went wrong
    return LEVELS[outcome]


def _line(settlement: Settlement, outcome: str, failure: Failure | None) -> dict[str, Any]:
    message = settlement.message
    notes = message.notes
    line = {
        "id": message.id,
        "queue": settlement.queue,
        "template": notes.get("template"),
        "attempt": message.attempt,
        "outcome": outcome,
    }
    if failure is not None:
        line["reason"] = failure.reason.value
        line["error"] = failure.text
        line["dead_letters"] = sum(isinstance(one, Rejected) for one in settlement.outcomes) or None
        line["retry_in"] = _rung(settlement)
    line["reference"] = notes.get("reference")
    line["remark"] = notes.get("remark")
    line["redelivered"] = settlement.redelivered or None
    line["lost"] = settlement.lost or None
    line["ms"] = round(settlement.seconds * 1000, 1)
    return {name: value for name, value in line.items() if value is not None}


def _rung(settlement: Settlement) -> str | None:
    """Give how long it waits; of several copies, the one that comes back first."""
    rungs = [outcome.rung for outcome in settlement.outcomes if isinstance(outcome, Deferred)]
    return format_duration(min(rungs)) if rungs else None
