"""What the ledger is told of a text in Telegram, and when; and what it may forbid."""

import aiohttp
import pytest

from dispatcher.words.errors import DeliveryLost, Failure, Kind, Reason
from tests.http_server import CUT, HttpServer
from tests.notifiers.broken_off import break_off
from tests.notifiers.ledgers import Recorder
from tests.notifiers.telegram.examples import failed, paragraphs, refused, report, texts


@pytest.fixture
def ledger(server):
    """Knows how many requests the server has seen."""
    return Recorder(lambda: len(server.requests))


async def test_each_message_is_handed_over_before_its_request_and_served_after_the_answer(notifier, ledger):
    await report(notifier, texts(txt=paragraphs(3)), ledger=ledger)

    assert [
        ("hand over", (0,), 0, 0),
        ("serve", (0,), 1, 1),
        ("hand over", (0,), 0, 1),
        ("serve", (0,), 2, 2),
        ("hand over", (0,), 0, 2),
        ("serve", (0,), 0, 3),
    ] == ledger.said


async def test_it_goes_on_where_an_earlier_attempt_ended(notifier, ledger):
    await report(notifier, texts(txt=paragraphs(3)), ledger=ledger, pieces=1, to=["1", "2"], parameters={}, at=1)

    assert [("serve", (1,), 2), ("serve", (1,), 0)] == [said[:3] for said in ledger.said if said[0] == "serve"]


@pytest.mark.parametrize("answer", [refused(403, "Forbidden: bot was blocked by the user"), refused(500), CUT])
async def test_what_was_not_taken_is_not_served(server, notifier, ledger, answer):
    server.answer("sendMessage", answer)

    await failed(notifier, ledger=ledger)

    assert ["hand over"] == [what for what, *_ in ledger.said]


async def test_each_request_is_asked_for_also_a_second_one_in_plain_text(server, notifier, ledger):
    server.answer("sendMessage", refused(400, "Bad Request: can't parse entities"))

    await report(notifier, texts(html="<b>Hello</b>"), ledger=ledger)

    assert [("hand over", 0), ("hand over", 1), ("serve", 2)] == [(what, seen) for what, _, _, seen in ledger.said]


async def test_where_nobody_is_reached_nothing_is_handed_over(server, notifier, ledger):
    await server.stop()

    await failed(notifier, ledger=ledger)

    assert [] == ledger.said


@pytest.mark.parametrize("question", [1, 2])
async def test_of_a_message_that_was_taken_back_nothing_is_sent(server, notifier, ledger, question):
    ledger.withdraw_at = question

    with pytest.raises(DeliveryLost, match="taken back before it was sent"):
        await report(notifier, ledger=ledger)

    assert (0, []) == (server.connections, ledger.said)


async def test_a_request_that_is_forbidden_at_the_last_moment_is_not_made(server, notifier_for, ledger):
    notifier = notifier_for(server, connections=1)
    ledger.refuse = True
    for _ in range(3):
        with pytest.raises(DeliveryLost, match="it is not ours any more") as caught:
            await report(notifier, ledger=ledger)
        assert caught.value.__cause__ is None

    assert [] == server.requests
    assert "message 101" == (await report(notifier)).reference


async def test_a_proxy_may_be_asked_the_way_before_it_is_handed_over(server, notifier_for, ledger, monkeypatch):
    async with HttpServer(CUT) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        notifier = notifier_for(server, api_url="https://api.example")

        with pytest.raises(Failure):
            await report(notifier, ledger=ledger)

        assert ["CONNECT"] == [request.method for request in proxy.requests]
    assert [] == ledger.said


async def test_messages_that_are_taken_back_say_nothing_about_the_service(server, notifier):
    server.answer("", *[refused(500)] * 4)
    for number in range(4):
        await failed(notifier, message_id=f"id-{number}", to=number + 1)
    taken_back = Recorder()
    taken_back.refuse = True

    with pytest.raises(DeliveryLost):
        await report(notifier, ledger=taken_back)
    server.answer("", refused(500))

    assert "outage" == (await failed(notifier, message_id="fifth", to=9)).kind


@pytest.mark.parametrize(("policy", "final"), [("resend", False), ("dead-letter", True)])
async def test_the_settings_say_what_is_done_with_what_nobody_knows(server, notifier_for, policy, final):
    assert final is notifier_for(server, unknown=policy).unknown_is_final


async def test_a_library_that_cancels_itself_before_it_wrote_costs_an_attempt(server, notifier, ledger, monkeypatch):
    monkeypatch.setattr(aiohttp.TCPConnector, "connect", break_off)

    failure = await failed(notifier, ledger=ledger)

    assert (Kind.TRANSIENT, Reason.SERVICE_ERROR) == (failure.kind, failure.reason)
    assert failure.text == f"127.0.0.1:{server.port}: the request was broken off; nothing was sent"
    assert (0, []) == (server.connections, ledger.said)


async def test_one_that_cancels_itself_afterwards_may_have_sent_it(server, notifier, ledger, monkeypatch):
    monkeypatch.setattr(aiohttp.ClientResponse, "start", break_off)

    failure = await failed(notifier, ledger=ledger)

    assert (Kind.UNKNOWN, Reason.SERVICE_UNANSWERED) == (failure.kind, failure.reason)
    assert ["hand over"] == [what for what, *_ in ledger.said]
