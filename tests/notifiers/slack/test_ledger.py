"""What the ledger is told of a message to Slack, and when; and what it may forbid."""

import asyncio

import aiohttp
import pytest

from dispatcher.words.errors import DeliveryLost, Kind, Reason
from tests.http_server import CUT, HANG, Answer
from tests.notifiers.broken_off import break_off
from tests.notifiers.ledgers import Recorder
from tests.notifiers.slack.examples import failure, refusal, report
from tests.waiting import until


@pytest.fixture
def ledger(server):
    """Knows how many requests the server has seen."""
    return Recorder(lambda: len(server.requests))


@pytest.mark.parametrize("to", ["C024", "webhook:ops"])
async def test_it_is_handed_over_before_the_request_and_served_after_the_answer(notifier, ledger, to):
    await report(notifier, ledger=ledger, to=to)
    await report(notifier, ledger=ledger, to=to)  # on a connection that was kept

    assert [
        ("hand over", (0,), 0, 0),
        ("serve", (0,), 0, 1),
        ("hand over", (0,), 0, 1),
        ("serve", (0,), 0, 2),
    ] == ledger.said


@pytest.mark.parametrize("answer", [refusal("channel_not_found"), Answer(500), CUT])
async def test_what_was_not_taken_is_not_served(server, notifier, ledger, answer):
    server.answer("", answer)

    await failure(notifier, ledger=ledger)

    assert ["hand over"] == [what for what, *_ in ledger.said]


async def test_each_request_is_asked_for_also_a_second_one_outside_of_the_thread(server, notifier, ledger):
    server.answer("", refusal("thread_not_found"))

    await report(notifier, ledger=ledger, thread="1700000000.000001")

    assert [("hand over", 0), ("hand over", 1), ("serve", 2)] == [(what, seen) for what, _, _, seen in ledger.said]


async def test_where_nobody_is_reached_nothing_is_handed_over(server, notifier, ledger):
    await server.stop()

    await failure(notifier, ledger=ledger)

    assert [] == ledger.said


async def test_of_a_message_that_was_taken_back_nothing_is_sent(server, notifier, ledger):
    ledger.withdraw_at = 1

    with pytest.raises(DeliveryLost, match="taken back before it was sent"):
        await report(notifier, ledger=ledger)

    assert (0, []) == (server.connections, ledger.said)


@pytest.mark.parametrize("to", ["C024", "webhook:ops"])
async def test_a_request_that_is_forbidden_at_the_last_moment_is_not_made(server, notifier_for, ledger, to):
    notifier = notifier_for(server, connections=1)
    ledger.refuse = True
    for _ in range(3):
        with pytest.raises(DeliveryLost, match="it is not ours any more") as caught:
            await report(notifier, ledger=ledger, to=to)
        assert caught.value.__cause__ is None

    assert [] == server.requests
    await report(notifier, to=to)
    await server.until(lambda: 1 == server.open)


@pytest.mark.parametrize(("policy", "final"), [("resend", False), ("dead-letter", True)])
async def test_the_settings_say_what_is_done_with_what_nobody_knows(server, notifier_for, policy, final):
    assert final is notifier_for(server, unknown=policy).unknown_is_final


async def test_a_library_that_cancels_itself_before_it_wrote_costs_an_attempt(server, notifier, ledger, monkeypatch):
    monkeypatch.setattr(aiohttp.TCPConnector, "connect", break_off)

    lost = await failure(notifier, ledger=ledger)

    assert (Kind.TRANSIENT, Reason.SERVICE_ERROR) == (lost.kind, lost.reason)
    assert lost.text == f"127.0.0.1:{server.port}: the request was broken off; nothing was sent"
    assert (0, []) == (server.connections, ledger.said)


async def test_one_that_cancels_itself_afterwards_may_have_sent_it(server, notifier, ledger, monkeypatch):
    monkeypatch.setattr(aiohttp.ClientResponse, "start", break_off)

    lost = await failure(notifier, ledger=ledger)

    assert (Kind.UNKNOWN, Reason.SERVICE_UNANSWERED) == (lost.kind, lost.reason)
    assert ["hand over"] == [what for what, *_ in ledger.said]


async def test_a_message_is_worked_on_while_it_is_sent_and_not_while_it_waits(server, notifier_for):
    notifier = notifier_for(server, connections=1)
    server.answer("", HANG)
    first, second = Recorder(), Recorder()
    sending = asyncio.create_task(report(notifier, ledger=first))
    await server.until(lambda: len(server.requests) == 1)
    waiting = asyncio.create_task(report(notifier, ledger=second))
    await until(lambda: second.worked == 1)

    assert (True, False) == (first.at_work, second.at_work)

    sending.cancel()
    await waiting

    assert (False, False) == (first.at_work, second.at_work)
    assert {0} == second.served
