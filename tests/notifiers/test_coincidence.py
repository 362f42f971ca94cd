"""Whatever was taken is in the ledger, though we are cancelled in the moment in which the answer comes."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
import uvloop

from dispatcher.notifiers.base import Report
from dispatcher.notifiers.email import EmailNotifier, EmailSettings
from dispatcher.notifiers.slack import SlackNotifier, SlackSettings
from dispatcher.notifiers.telegram import TelegramNotifier, TelegramSettings
from tests.notifiers.coincidence import Server, speak_http, speak_smtp
from tests.notifiers.email import examples as email
from tests.notifiers.ledgers import Recorder
from tests.notifiers.slack import examples as slack
from tests.notifiers.telegram import examples as telegram

TURNS = range(6)
"""So long after the answer has arrived comes the cancellation, in turns of the loop."""

SOON = (0, 1)
"""So soon that nothing else can have begun."""

ROUNDS = 8

POSTED = json.dumps({"ok": True, "channel": "C024", "ts": "1700000000.123456"}).encode()
TAKEN = json.dumps({"ok": True, "result": {"message_id": 101}}).encode()

Send = Callable[..., Awaitable[Report]]
Loop = Callable[[], asyncio.AbstractEventLoop]
LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])


def run(loop: Loop, main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main)


async def cancelled(server: Server, send: Send, notifier: Any, turns: int, **what: Any) -> tuple[Recorder, Any]:
    """Send, and be cancelled with the first answer; give the ledger, and what came of it."""
    ledger = Recorder(lambda: server.taken)
    sending = asyncio.ensure_future(send(notifier, ledger=ledger, **what))
    server.cancel_with_the_answer(sending, turns)
    (outcome,) = await asyncio.gather(sending, return_exceptions=True)
    return ledger, outcome


async def count(server: Server, send: Send, notifier: Any) -> None:
    try:
        for turns in [*TURNS] * ROUNDS:
            before = server.taken
            ledger, outcome = await cancelled(server, send, notifier, turns)
            assert {0} == ledger.served, (turns, outcome)
            assert isinstance(outcome, Report), (turns, outcome)
            assert {} == outcome.failures
            assert before + 1 == server.taken
    finally:
        await notifier.close()


@LOOPS
def test_no_mail_is_at_the_server_that_the_ledger_does_not_know(loop):
    async def main():
        with Server(speak_smtp) as server:
            settings = EmailSettings(host="127.0.0.1", port=server.port, hostname="us.example")
            await count(server, email.report, EmailNotifier(settings))

    run(loop, main())


@LOOPS
def test_no_message_is_in_slack_that_the_ledger_does_not_know(loop):
    async def main():
        with Server(speak_http(POSTED)) as server:
            settings = SlackSettings(token=slack.TOKEN, api_url=f"http://127.0.0.1:{server.port}/api")
            await count(server, slack.report, SlackNotifier(settings))

    run(loop, main())


@LOOPS
def test_no_message_is_in_telegram_that_the_ledger_does_not_know(loop):
    async def main():
        with Server(speak_http(TAKEN)) as server:
            settings = TelegramSettings(token=telegram.TOKEN, api_url=f"http://127.0.0.1:{server.port}")
            await count(server, telegram.report, TelegramNotifier(settings))

    run(loop, main())


@LOOPS
def test_after_it_nothing_more_of_a_mail_is_sent(loop):
    async def main():
        with Server(speak_smtp) as server:
            settings = EmailSettings(host="127.0.0.1", port=server.port, hostname="us.example", max_recipients=1)
            notifier = EmailNotifier(settings)
            for turns in SOON:
                before = server.taken
                to = ["ada@example.org", "bob@example.org"]
                ledger, outcome = await cancelled(server, email.report, notifier, turns, to=to, parameters={})
                assert {0} == ledger.served
                assert {1: "interrupted"} == {slot: failure.reason for slot, failure in outcome.failures.items()}
                assert before + 1 == server.taken
            await notifier.close()

    run(loop, main())


@LOOPS
def test_after_it_nothing_more_of_a_long_text_is_sent(loop):
    async def main():
        with Server(speak_http(TAKEN)) as server:
            settings = TelegramSettings(token=telegram.TOKEN, api_url=f"http://127.0.0.1:{server.port}")
            notifier = TelegramNotifier(settings)
            for turns in SOON:
                before = server.taken
                rendered = telegram.texts(txt=telegram.paragraphs(3))
                ledger, outcome = await cancelled(server, telegram.report, notifier, turns, rendered=rendered)
                assert [("hand over", (0,), 0, before), ("serve", (0,), 1, before + 1)] == ledger.said
                assert ("interrupted", 1) == (outcome.reason, outcome.pieces)
                assert before + 1 == server.taken
            await notifier.close()

    run(loop, main())


@LOOPS
def test_after_a_refusal_no_second_request_is_made(loop):
    async def main():
        gone = json.dumps({"ok": False, "error": "thread_not_found"}).encode()
        markup = json.dumps(
            {"ok": False, "error_code": 400, "description": "Bad Request: can't parse entities"}
        ).encode()
        with Server(speak_http(gone)) as server:
            notifier = SlackNotifier(SlackSettings(token=slack.TOKEN, api_url=f"http://127.0.0.1:{server.port}/api"))
            _, outcome = await cancelled(server, slack.report, notifier, 0, thread="1700000000.000001")
            assert ("outage", "interrupted", 1) == (outcome.kind, outcome.reason, server.taken)
            await notifier.close()
        with Server(speak_http(markup)) as server:
            notifier = TelegramNotifier(
                TelegramSettings(token=telegram.TOKEN, api_url=f"http://127.0.0.1:{server.port}")
            )
            rendered = telegram.texts(html="<b>Hello</b>")
            _, outcome = await cancelled(server, telegram.report, notifier, 0, rendered=rendered)
            assert ("outage", "interrupted", 1) == (outcome.kind, outcome.reason, server.taken)
            await notifier.close()

    run(loop, main())
