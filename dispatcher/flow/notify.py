"""The handler of a notifier's queue: decode, render, send. One try; what went wrong is raised."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import Any, Protocol

from dispatcher.cancelling import is_ours
from dispatcher.contract.base import Notification, Part, decode
from dispatcher.flow.attempt import Attempt
from dispatcher.flow.bugs import failure_of
from dispatcher.flow.clock import utc_now
from dispatcher.flow.ledger import JournalLedger
from dispatcher.flow.outages import Outages
from dispatcher.flow.pacer import Pacer
from dispatcher.flow.page import Page
from dispatcher.flow.split import SplitUp, is_to_be_split, split
from dispatcher.notifiers.base import Notifier, Report
from dispatcher.words.errors import DeliveryLost, Failure, Kind, Reason, SomeFailed
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

    async def render_once_saved(self, name: str, parameters: Mapping[str, Any], locale: str | None = None) -> Rendered:
        """Render a template, once nobody writes it; raise `Failure` where that cannot be done."""


class Notify:
    """Tells people what a message asks for.

    Args:
        notifier: the way to the outside.
        renderer: the templates.
        page: what is remembered of the messages.
        now: the time.
        outages: what is known of the service: nothing is begun while it is away.

    """

    def __init__(
        self,
        notifier: Notifier,
        renderer: Renderer,
        page: Page | None = None,
        now: Callable[[], datetime] = utc_now,
        outages: Outages | None = None,
    ) -> None:
        self._notifier = notifier
        self._renderer = renderer
        self._page = page or Page()
        self._now = now
        self._outages = outages
        self._pacer = Pacer(notifier.rates)

    async def __call__(self, message: Message) -> None:
        """Serve everybody who was not served yet.

        Raises:
            Failure: nobody was served.
            SomeFailed: some were not.
            SplitUp: there are too many for one message.
            DeliveryLost: the broker took the message back; who was served meanwhile is written down.

        """
        notification = self._read(message)
        parts = notification.parts()
        attempt = self._begin(message, parts)
        self._refuse_expired(notification, attempt)
        if is_to_be_split(message, parts):
            with attempt.ledger.work():
                apart = await asyncio.to_thread(split, message, parts, self._now())
            if apart:
                raise SplitUp(apart)
        await self._serve(notification, attempt)
        if attempt.failures:
            raise SomeFailed(attempt.failures, attempt.addresses)

    def _begin(self, message: Message, parts: Sequence[Part]) -> Attempt:
        """Find out who is left: the journal may know more than the message does."""
        record = self._page.recall(message)
        served = frozenset(slot for slot, pieces in record.served.items() if not pieces)
        done = message.done | served
        careful = self._notifier.unknown_is_final
        everybody = [recipient.slot for part in parts for recipient in part.recipients]
        ledger = JournalLedger(self._page, message, done, everybody, careful=careful, outages=self._outages)
        attempt = Attempt(message, parts, ledger)
        attempt.pieces = {**message.pieces, **{slot: count for slot, count in record.served.items() if count}}
        if served:
            message.notes["remark"] = (
                f"sent before to {len(served)} of {len(attempt.addresses)}; not sent to them again"
            )
        if careful:
            attempt.failures |= dict.fromkeys(record.unsure - done, _perhaps_sent())
        return attempt

    async def _serve(self, notification: Notification, attempt: Attempt) -> None:
        """Send part after part, until all are served or the try has to end."""
        until = monotonic() + LONGEST_TRY
        for part in attempt.parts:
            waiting = attempt.waiting(part)
            if not waiting:
                continue
            if attempt.tried and monotonic() > until:
                attempt.leave(part.index, _NEXT_TRY)
                return
            try:
                if part.index:
                    await asyncio.sleep(0)  # thousands of parts that fail at once must not keep others waiting
                report = await self._send(notification, part, waiting, attempt)
            except asyncio.CancelledError:
                if not attempt.tried:
                    raise  # nobody was served: the message goes back as it was
                attempt.leave(part.index, _INTERRUPTED)
                return
            attempt.add({slot: self._final(failure) for slot, failure in report.failures.items()})
            _note(attempt.message, "reference", report.reference)
            _note(attempt.message, "remark", report.remark)
            outage = _outage(report)
            if outage is not None:
                attempt.leave(part.index + 1, outage)
                return

    def _final(self, failure: Failure) -> Failure:
        """Let nothing be sent a second time that may have been sent, where the settings say so."""
        failure.final = failure.kind is Kind.UNKNOWN and self._notifier.unknown_is_final
        return failure

    def _read(self, message: Message) -> Notification:
        notification, unknown = decode(self._notifier.contract, message.body)
        message.notes["template"] = notification.template
        if unknown:
            message.notes["unknown_fields"] = unknown
        return notification

    def _refuse_expired(self, notification: Notification, attempt: Attempt) -> None:
        if notification.expires_at is None or notification.expires_at > self._now():
            return
        for part in attempt.parts:
            self._pacer.give_up((attempt.message.id, part.index))
        text = f"it was to be sent before {notification.expires_at.isoformat()}"
        expired = Failure(Kind.CONTENT, Reason.EXPIRED, text)
        if attempt.ledger.done == attempt.message.done:
            raise expired
        attempt.leave(0, expired)  # the journal knows of some who were served in time

    async def _send(self, notification: Notification, part: Part, waiting: Sequence[int], attempt: Attempt) -> Report:
        """Serve one part; say what became of it."""
        message = attempt.message
        if attempt.pieces:
            part = replace(part, pieces=attempt.pieces.get(waiting[0], 0))
        who = (message.id, part.index)
        destinations: Sequence[Destination] = ()
        try:
            try:
                with attempt.ledger.work():
                    rendered = await self._renderer.render_once_saved(
                        notification.template, part.parameters, notification.locale
                    )
                destinations = self._notifier.destinations(part, attempt.ledger.done)
            except BaseException:
                self._pacer.give_up(who)  # those behind it need not wait for it
                raise
            async with self._pacer.turn(who, destinations):
                report = await self._notifier.send(message.id, notification, part, rendered, attempt.ledger)
        except Failure as failure:
            failure = failure.with_traceback(None)  # which holds all that was sent, until cycles are looked for
            report = Report(dict.fromkeys(waiting, failure), messages=1 + max(0, failure.pieces - part.pieces))
        except DeliveryLost:
            raise
        except asyncio.CancelledError as cancelled:
            if is_ours():
                raise
            return Report(dict.fromkeys(waiting, _broken_off(cancelled, attempt, waiting)))
        except Exception as bug:  # noqa: BLE001 - it must not take from the other parts that they were served
            return Report(dict.fromkeys(waiting, failure_of(bug, message)))
        attempt.ledger.answered(report.failures.values())
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


def _outage(report: Report) -> Failure | None:
    """Give why nobody else is to be tried: the service is away, or the daemon stops.

    Everybody in a part may have been served before that could be heeded.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        return _INTERRUPTED
    return next((failure for failure in report.failures.values() if failure.kind is Kind.OUTAGE), None)


_INTERRUPTED = Failure(Kind.OUTAGE, Reason.INTERRUPTED, "the dispatcher was stopped before everybody was served")
_NEXT_TRY = Failure(Kind.THROTTLED, Reason.PACED, "there are many recipients: the rest is next", wait=STEPS[0])


def _broken_off(cancelled: asyncio.CancelledError, attempt: Attempt, slots: Sequence[int]) -> Failure:
    """Give what it means that a library cancelled itself in the middle, which nobody had asked for."""
    failure = failure_of(cancelled, attempt.message)
    if attempt.ledger.handed_over.isdisjoint(slots):
        return failure
    return Failure(Kind.UNKNOWN, failure.reason, f"{failure.text}; it may have been sent")


def _perhaps_sent() -> Failure:
    text = "the dispatcher died after it was handed over; it may have been sent"
    failure = Failure(Kind.UNKNOWN, Reason.DIED, text)
    failure.final = True
    return failure
