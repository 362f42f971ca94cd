"""The handler of a notifier's queue: decode, render, send. One try; what went wrong is raised."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Protocol

from dispatcher.contract.base import Notification, Part, decode
from dispatcher.flow.bugs import failure_of
from dispatcher.flow.pacer import Pacer
from dispatcher.notifiers.base import Ledger, Notifier, Report
from dispatcher.words.errors import Failure, Kind, Reason, SomeFailed
from dispatcher.words.messages import Message
from dispatcher.words.rates import Destination
from dispatcher.words.retries import LONGEST_WAIT, STEPS
from dispatcher.words.texts import Rendered
from dispatcher.words.values import format_duration

LONGEST_TRY = 60.0
"""After so many seconds the rest of many recipients waits for the next try: a crash must not forget who was served, and
the broker takes a message away from who holds it for half an hour."""

MOST_NOTES = 5
"""Of so many parts at most it is kept what the service said of them."""

log = logging.getLogger(__name__)


class Renderer(Protocol):
    """What makes texts of templates and parameters."""

    def render(self, name: str, parameters: Mapping[str, Any], locale: str | None = None) -> Rendered:
        """Render a template; raise `Failure` where that cannot be done."""


def utc_now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


class Notify:
    """Tells people what a message asks for.

    Args:
        notifier: the way to the outside.
        renderer: the templates.
        now: the time.

    """

    def __init__(self, notifier: Notifier, renderer: Renderer, now: Callable[[], datetime] = utc_now) -> None:
        self._notifier = notifier
        self._renderer = renderer
        self._now = now
        self._pacer = Pacer(notifier.rates)

    async def __call__(self, message: Message) -> None:
        """Serve everybody who was not served yet.

        Raises:
            Failure: nobody was served.
            SomeFailed: some were not.

        """
        notification = self._read(message)
        parts = notification.parts()
        self._refuse_expired(message, notification, parts)
        done = message.done
        failures: dict[int, Failure] = {}
        until = monotonic() + LONGEST_TRY
        tried = False
        for part in parts:
            if tried and monotonic() > until:
                failures |= _left(parts[part.index :], done, _NEXT_TRY)
                break
            try:
                if part.index:
                    await asyncio.sleep(0)  # thousands of parts that fail at once must not keep others waiting
                report = await self._send(message, notification, part, done)
            except asyncio.CancelledError:
                if part.index == 0:
                    raise  # nobody was served: the message goes back as it was
                failures |= _left(parts[part.index :], done, _INTERRUPTED)
                break
            tried = tried or any(recipient.slot not in done for recipient in part.recipients)
            failures |= report.failures
            _note(message, "reference", report.reference)
            _note(message, "remark", report.remark)
            if _was_interrupted(report):
                failures |= _left(parts[part.index + 1 :], done, _INTERRUPTED)
                break
        if failures:
            addresses = tuple(recipient.address for part in parts for recipient in part.recipients)
            raise SomeFailed(failures, addresses)

    def _read(self, message: Message) -> Notification:
        notification, unknown = decode(self._notifier.contract, message.body)
        message.notes["template"] = notification.template
        if unknown:
            message.notes["unknown_fields"] = unknown
        return notification

    def _refuse_expired(self, message: Message, notification: Notification, parts: Sequence[Part]) -> None:
        if notification.expires_at is not None and notification.expires_at <= self._now():
            for part in parts:
                self._pacer.give_up((message.id, part.index))
            text = f"it was to be sent before {notification.expires_at.isoformat()}"
            raise Failure(Kind.CONTENT, Reason.EXPIRED, text)

    async def _send(self, message: Message, notification: Notification, part: Part, done: frozenset[int]) -> Report:
        """Serve one part; say what became of it."""
        waiting = [recipient.slot for recipient in part.recipients if recipient.slot not in done]
        if not waiting:
            return Report()
        part = replace(part, pieces=message.pieces.get(waiting[0], 0))
        who = (message.id, part.index)
        destinations: Sequence[Destination] = ()
        try:
            try:
                rendered = self._renderer.render(notification.template, part.parameters, notification.locale)
                destinations = self._notifier.destinations(part, done)
            except BaseException:
                self._pacer.give_up(who)  # those behind it need not wait for it
                raise
            async with self._pacer.turn(who, destinations):
                report = await self._notifier.send(message.id, notification, part, rendered, Ledger(done))
        except Failure as failure:
            report = Report(dict.fromkeys(waiting, failure), messages=1 + max(0, failure.pieces - part.pieces))
        except Exception as bug:  # noqa: BLE001 - it must not take from the other parts that they were served
            return Report(dict.fromkeys(waiting, failure_of(bug, message)))
        self._keep_pace(report, destinations)
        return report

    def _keep_pace(self, report: Report, destinations: Sequence[Destination]) -> None:
        """Let those who come next wait for what this part has used, and as long as the service asks."""
        if report.messages > 1:
            self._pacer.owe(destinations, report.messages - 1)
        for failure in report.failures.values():
            if failure.kind is not Kind.THROTTLED or failure.wait is None or failure.reason is Reason.PACED:
                continue
            if self._pacer.pause(failure.wait):
                wait = format_duration(min(failure.wait, LONGEST_WAIT))
                log.warning("%s; everything for it waits for %s", failure.text, wait)


def _note(message: Message, name: str, said: str | None) -> None:
    """Keep for the observers what was said of a part; of many parts, of the first few."""
    if said is None:
        return
    known = message.notes.get(name, [])
    together = [*([known] if isinstance(known, str) else known), said][:MOST_NOTES]
    message.notes[name] = together if len(together) > 1 else said


def _was_interrupted(report: Report) -> bool:
    """Tell whether the daemon stops: a notifier that has served some of a part says so, rather than be cancelled."""
    return any(failure.reason is Reason.INTERRUPTED for failure in report.failures.values())


_INTERRUPTED = Failure(Kind.OUTAGE, Reason.INTERRUPTED, "the dispatcher was stopped before everybody was served")
_NEXT_TRY = Failure(Kind.THROTTLED, Reason.PACED, "there are many recipients: the rest is next", wait=STEPS[0])


def _left(parts: tuple[Part, ...], done: frozenset[int], failure: Failure) -> dict[int, Failure]:
    """Give the failures of those who are left when a try ends in the middle."""
    left = (recipient.slot for part in parts for recipient in part.recipients)
    return {slot: failure for slot in left if slot not in done}
