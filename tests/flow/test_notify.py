"""The handler of a notifier's queue: decode, render, send."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, ClassVar

import pytest

from dispatcher.contract.base import Part
from dispatcher.contract.email import EmailNotification
from dispatcher.flow import notify as flow_notify
from dispatcher.flow.judge import judge
from dispatcher.flow.notify import Notify
from dispatcher.notifiers.base import Notifier, Report
from dispatcher.notifiers.ledger import Ledger
from dispatcher.words.errors import Failure, Kind, Reason, SomeFailed
from dispatcher.words.messages import Message
from dispatcher.words.outcomes import Deferred
from dispatcher.words.rates import Destination, Rate
from dispatcher.words.retries import Ladder
from dispatcher.words.texts import Dialect, Rendered
from dispatcher.words.values import encode_slots

LATER = Failure(Kind.TRANSIENT, Reason.SMTP_TEMPORARY, "451 later")
NOBODY: Mapping[int, Failure] = {}
STOPPED = Failure(Kind.OUTAGE, Reason.INTERRUPTED, "stopped")


class Recorder(Notifier):
    """A notifier that remembers what it was handed, and answers what a test wants."""

    contract = EmailNotification
    formats: ClassVar = {"html": Dialect.HTML, "txt": Dialect.PLAIN}

    def __init__(self, answer: Callable[[Part], Mapping[int, Failure]] = lambda _: NOBODY) -> None:
        self.sent: list[tuple[int, str, frozenset[int]]] = []
        self._answer = answer

    async def send(
        self,
        message_id: str,
        notification: Any,
        part: Part,
        rendered: Rendered,
        ledger: Ledger,
    ) -> Report:
        self.sent.append((part.index, rendered.texts["txt"], ledger.done))
        failures = self._answer(part)
        return Report(failures, None if failures else f"queued as {part.index}")

    async def check(self) -> str:
        return "there"

    async def close(self) -> None:
        pass


class Names:
    """A renderer that knows one template."""

    async def render_once_saved(self, name: str, parameters: Mapping[str, Any], locale: str | None = None) -> Rendered:
        if "name" not in parameters:
            raise Failure(Kind.CONTENT, Reason.PARAMETER_MISSING, "parameter 'name' is missing")
        return Rendered({"txt": f"{name} {parameters['name']} {locale}"}, None, name)


def message(*names: str | None, done: tuple[int, ...] = (), **fields: Any) -> Message:
    """A message to one recipient for each name, with parameters of their own."""
    body = {
        "template": "hello",
        "to": [f"{number}@x.org" for number in range(len(names))],
        "parameters": [{} if name is None else {"name": name} for name in names],
        **fields,
    }
    headers = {"dispatcher-done": encode_slots(done)} if done else {}
    return Message(body=json.dumps(body).encode(), id="m", headers=headers)


async def test_each_part_is_rendered_and_sent_once():
    notifier = Recorder()
    handed = message("Ada", "Bob", locale="de")
    await Notify(notifier, Names())(handed)

    assert [(0, "hello Ada de", frozenset()), (1, "hello Bob de", frozenset())] == notifier.sent
    assert "hello" == handed.notes["template"]


async def test_who_is_served_already_is_left_out():
    notifier = Recorder()
    await Notify(notifier, Names())(message("Ada", "Bob", "Cleo", done=(0, 2)))

    assert [(1, "hello Bob None", frozenset({0, 2}))] == notifier.sent


async def test_a_part_that_cannot_be_rendered_does_not_hold_the_others():
    notifier = Recorder()
    with pytest.raises(SomeFailed) as failed:
        await Notify(notifier, Names())(message("Ada", None, "Cleo"))

    assert [0, 2] == [index for index, _, _ in notifier.sent]
    assert {1: "parameter-missing"} == {slot: one.reason for slot, one in failed.value.failures.items()}
    assert ("0@x.org", "1@x.org", "2@x.org") == failed.value.addresses


async def test_what_failed_holds_on_to_nothing_of_what_was_sent():
    """Its files may be large, and cycles are looked for seldom."""
    with pytest.raises(SomeFailed) as failed:
        await Notify(Recorder(), Names())(message("Ada", None))

    assert [None] == [one.__traceback__ for one in failed.value.failures.values()]


async def test_failures_of_several_parts_are_told_together():
    notifier = Recorder(lambda part: {part.index: LATER} if part.index else NOBODY)
    with pytest.raises(SomeFailed, match="2 of 3 recipients were not served") as failed:
        await Notify(notifier, Names())(message("Ada", "Bob", "Cleo"))

    assert {1: LATER, 2: LATER} == failed.value.failures


async def test_a_bug_in_one_part_takes_nothing_from_the_others(caplog):
    def bug(part: Part) -> Mapping[int, Failure]:
        if part.index == 1:
            raise ZeroDivisionError
        return NOBODY

    with pytest.raises(SomeFailed) as failed:
        await Notify(Recorder(bug), Names())(message("Ada", "Bob", "Cleo"))

    assert {1: "internal-error"} == {slot: one.reason for slot, one in failed.value.failures.items()}
    assert "a bug while message m was handled" in caplog.text


async def test_the_expiry_is_checked_before_anything_is_sent():
    notifier = Recorder()
    notify = Notify(notifier, Names(), now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(Failure, match="it was to be sent before 2026-01-01T00:00:00"):
        await notify(message("Ada", expires_at="2026-01-01T00:00:00Z"))
    await notify(message("Ada", expires_at="2026-01-01T00:00:01Z"))

    assert 1 == len(notifier.sent)


async def test_fields_nobody_knows_are_noted():
    handed = message("Ada", colour="red")
    await Notify(Recorder(), Names())(handed)

    assert {"colour"} == handed.notes["unknown_fields"]


def interrupt() -> None:
    """Do as a drain does whose time is over."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    raise asyncio.CancelledError


def cancel(part: Part) -> Mapping[int, Failure]:
    if part.index == 1:
        interrupt()
    return NOBODY


async def in_a_task(trying: Coroutine[Any, Any, None]) -> None:
    """Try in a task of its own, so that the test's is not the one that is interrupted."""
    await asyncio.create_task(trying)


async def test_an_interruption_leaves_those_out_who_were_served():
    with pytest.raises(SomeFailed) as failed:
        await in_a_task(Notify(Recorder(cancel), Names())(message("Ada", "Bob", "Cleo", "Dan", done=(2,))))

    assert {1: "interrupted", 3: "interrupted"} == {slot: one.reason for slot, one in failed.value.failures.items()}


async def test_a_part_that_was_interrupted_is_the_last_one():
    notifier = Recorder(lambda part: {part.index: STOPPED} if part.index == 1 else NOBODY)
    with pytest.raises(SomeFailed) as failed:
        await Notify(notifier, Names())(message("Ada", "Bob", "Cleo", "Dan", done=(2,)))

    assert [0, 1] == [index for index, _, _ in notifier.sent]
    assert {1: "interrupted", 3: "interrupted"} == {slot: one.reason for slot, one in failed.value.failures.items()}


@pytest.mark.parametrize(
    ("names", "done", "noted"),
    [
        (["Ada"], (), "queued as 0"),
        (["Ada", None], (), "queued as 0"),
        ([None, "Bob", "Cleo"], (), ["queued as 1", "queued as 2"]),
        (["Ada"] * 9, (1,), [f"queued as {at}" for at in (0, 2, 3, 4, 5)]),
        ([None], (), None),
    ],
)
async def test_what_the_service_calls_what_it_took_is_noted(names, done, noted):
    handed = message(*names, done=done)
    with contextlib.suppress(SomeFailed):
        await Notify(Recorder(), Names())(handed)

    assert noted == handed.notes.get("reference")


async def test_an_interruption_before_anybody_was_served_gives_the_message_back_whole():
    def at_once(_: Part) -> Mapping[int, Failure]:
        interrupt()
        return NOBODY

    with pytest.raises(asyncio.CancelledError):
        await in_a_task(Notify(Recorder(at_once), Names())(message("Ada", "Bob")))


@pytest.mark.parametrize(("handed_over", "kind"), [(False, Kind.TRANSIENT), (True, Kind.UNKNOWN)])
async def test_what_a_library_breaks_off_by_itself_is_no_interruption(handed_over, kind):
    class Broken(Recorder):
        async def send(self, message_id: str, notification: Any, part: Part, rendered: Any, ledger: Ledger) -> Report:
            if part.index == 1:
                ledger.hand_over([1] if handed_over else [])
                raise asyncio.CancelledError
            return await super().send(message_id, notification, part, rendered, ledger)

    notifier = Broken()
    with pytest.raises(SomeFailed) as failed:
        await Notify(notifier, Names())(message("Ada", "Bob", "Cleo"))

    assert {1: (kind, "internal-error")} == {
        slot: (one.kind, one.reason) for slot, one in failed.value.failures.items()
    }
    assert [0, 2] == [index for index, _, _ in notifier.sent]


async def test_many_recipients_are_served_in_several_tries(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(flow_notify, "LONGEST_TRY", 0)
    notifier = Recorder()
    notify = Notify(notifier, Names())
    handed = message("Ada", "Bob", "Cleo", done=(1,))
    tries = 0
    while handed is not None:
        error = None
        tries += 1
        try:
            await notify(handed)
        except SomeFailed as failed:
            error = failed
        (outcome,) = judge(handed, error, "email", Ladder([timedelta(minutes=1)]), datetime.now(UTC))
        handed = None
        if isinstance(outcome, Deferred):
            handed = outcome.copy
            assert (1, timedelta(seconds=1)) == (handed.attempt, outcome.rung)

    assert [0, 2] == [index for index, _, _ in notifier.sent]
    assert 2 == tries


async def test_a_service_that_asks_to_wait_is_told_of_once(caplog: pytest.LogCaptureFixture):
    too_many = Failure(Kind.THROTTLED, Reason.RATE_LIMITED, "it answered with: 429", wait=timedelta(hours=3))
    notify = Notify(Recorder(lambda part: {part.index: too_many}), Names())
    for name in ("first", "second"):
        with pytest.raises(SomeFailed):
            await notify(named(name, message("Ada")))

    assert ["it answered with: 429; everything for it waits for 3h"] == caplog.messages


class Paced(Recorder):
    """A notifier whose recipients take only so much."""

    def destinations(self, part: Part, done: frozenset[int]) -> Sequence[Destination]:
        return [Destination("everybody", (Rate(1, timedelta(seconds=3)),))]


def named(name: str, message: Message) -> Message:
    return replace(message, id=name)


@pytest.mark.parametrize("body", [{"expires_at": "2026-01-01T00:00:00Z"}, {"parameters": {}}])
async def test_what_is_given_up_while_it_waits_holds_up_nobody(body: dict[str, Any]):
    time = datetime(2025, 1, 1, tzinfo=UTC)
    notifier = Paced()
    notify = Notify(notifier, Names(), now=lambda: time)
    for name in ("first", "given up", "behind"):
        fields = body if name == "given up" and "expires_at" in body else {}
        with contextlib.suppress(SomeFailed):
            await notify(named(name, message("Ada", **fields)))
    assert 1 == len(notifier.sent)

    time = datetime(2026, 1, 2, tzinfo=UTC)
    with pytest.raises((Failure, SomeFailed)):
        await notify(named("given up", message("Ada", **body | {"to": "a@x.org"})))
    began = monotonic()
    while len(notifier.sent) == 1 and monotonic() < began + 10:
        with contextlib.suppress(SomeFailed):
            await notify(named("behind", message("Ada")))

    assert 2 == len(notifier.sent)
    assert monotonic() - began < 5
