"""What the ledger is told of a mail, and when; and what it may forbid."""

import asyncio

import pytest
from aiosmtplib.protocol import SMTPProtocol

from dispatcher.words.errors import DeliveryLost, Failure, Kind, Reason
from tests.notifiers.broken_off import break_off
from tests.notifiers.email.examples import report, send, texts
from tests.notifiers.ledgers import Recorder
from tests.smtp_server import CUT, HANG, KEYWORDS, ONE_BY_ONE
from tests.waiting import until

ADA, BOB, CYD = "ada@example.org", "bob@example.org", "cyd@example.org"


@pytest.fixture(params=[KEYWORDS, ONE_BY_ONE], ids=["pipelined", "one by one"])
def keywords(request):
    return request.param


@pytest.fixture
def ledger(server):
    """Knows how many final dots the server has seen."""
    return Recorder(lambda: server.seen["DOT"])


async def test_a_mail_is_handed_over_before_its_final_dot_and_served_after_the_answer(server, notifier, ledger):
    await report(notifier, ledger=ledger, rendered=texts(txt="x" * 500_000))

    assert [("hand over", (0,), 0, 0), ("serve", (0,), 0, 1)] == ledger.said


async def test_two_recipients_with_one_mailbox_are_served_together(notifier, ledger):
    await report(notifier, ledger=ledger, to=[ADA, BOB, f"Ada <{ADA}>"], parameters={})

    assert [("hand over", (0, 2, 1)), ("serve", (0, 2, 1))] == [said[:2] for said in ledger.said]


async def test_who_was_served_before_is_not_named_again(server, notifier):
    ledger = Recorder(done={0})

    await report(notifier, ledger=ledger, to=[ADA, BOB, f"Ada <{ADA}>"], parameters={})

    assert [("hand over", (1, 2)), ("serve", (1, 2))] == [
        (what, tuple(sorted(slots))) for what, slots, *_ in ledger.said
    ]


async def test_who_was_refused_is_not_named(server, notifier, ledger):
    server.answer("RCPT", "550 5.1.1 no such user", about=BOB)

    await report(notifier, ledger=ledger, to=[ADA, BOB], parameters={})

    assert [("hand over", (0,)), ("serve", (0,))] == [said[:2] for said in ledger.said]


@pytest.mark.parametrize(
    ("point", "answer", "expected"),
    [
        ("MAIL", "451 4.3.0 no", []),
        ("RCPT", "550 5.1.1 no", []),
        ("DATA", CUT, []),
        ("BODY", CUT, []),
        ("DOT", "554 5.6.0 no", ["hand over"]),
        ("DOT", CUT, ["hand over"]),
    ],
)
async def test_what_was_not_taken_is_not_served(server, notifier, ledger, point, answer, expected):
    server.answer(point, answer)

    await asyncio.gather(report(notifier, ledger=ledger, rendered=texts(txt="x" * 5_000_000)), return_exceptions=True)

    assert expected == [what for what, *_ in ledger.said]


async def test_of_many_recipients_each_transaction_is_told_when_it_ends(server, notifier_for, ledger):
    notifier = notifier_for(server, max_recipients=1000)
    to = [f"user{number}@example.org" for number in range(10_000)]

    await report(notifier, ledger=ledger, to=to, parameters={})

    expected = []
    for number in range(10):
        slots = tuple(range(number * 1000, (number + 1) * 1000))
        expected += [("hand over", slots, 0, number), ("serve", slots, 0, number + 1)]
    assert expected == ledger.said


@pytest.mark.parametrize(("point", "expected"), [("CONNECT", False), ("EHLO", False), ("MAIL", True), ("DOT", True)])
async def test_a_mail_is_not_worked_on_while_it_waits_for_a_connection(server, notifier, ledger, point, expected):
    server.answer(point, HANG)
    sending = asyncio.ensure_future(report(notifier, ledger=ledger))
    await server.until(lambda: 1 == server.seen[point])

    assert expected is ledger.at_work
    sending.cancel()
    await asyncio.wait([sending])
    assert not ledger.at_work


async def test_nor_while_it_waits_for_another_connection(server, notifier_for, ledger):
    notifier = notifier_for(server, connections=2)
    server.answer("DOT", HANG)
    first = asyncio.ensure_future(send(notifier))
    await server.until(lambda: 1 == server.seen["DOT"])
    server.answer("CONNECT", "421 4.7.0 too many connections")
    second = asyncio.ensure_future(report(notifier, ledger=ledger))
    await until(lambda: 1 == notifier._pool.size)

    assert (False, 1) == (ledger.at_work, ledger.worked)
    for one in (second, first):
        one.cancel()
    await asyncio.wait([first, second])


async def test_a_message_that_was_taken_back_needs_no_connection(server, notifier, ledger):
    ledger.withdraw_at = 1

    with pytest.raises(DeliveryLost, match="taken back before it was sent"):
        await report(notifier, ledger=ledger)

    assert [] == server.sessions
    assert [] == ledger.said


@pytest.mark.parametrize(("question", "verbs"), [(1, []), (2, ["EHLO"])])
async def test_it_is_asked_again_when_there_is_a_place_and_before_mail(server, notifier, ledger, question, verbs):
    ledger.withdraw_at = question

    with pytest.raises(DeliveryLost):
        await report(notifier, ledger=ledger)

    assert verbs == [verb for session in server.sessions for verb in session.verbs()]
    assert {} == await send(notifier)


async def test_a_mail_that_may_not_be_handed_over_never_gets_its_dot(server, notifier, ledger):
    ledger.refuse = True

    with pytest.raises(DeliveryLost, match="it is not ours any more"):
        await report(notifier, ledger=ledger, rendered=texts(txt="x" * 500_000))
    await server.until(lambda: 0 == server.open)

    assert (0, 1, []) == (server.seen["DOT"], server.seen["BODY"], server.mails)
    assert {} == await send(notifier)
    assert [1] == [mail.session for mail in server.mails]


async def test_a_message_that_is_taken_back_half_way_is_served_to_those_before(server, notifier_for, ledger):
    notifier = notifier_for(server, max_recipients=1)
    ledger.withdraw_at = 3  # with its place, before the first MAIL, before the second

    with pytest.raises(DeliveryLost):
        await report(notifier, ledger=ledger, to=[ADA, BOB, CYD], parameters={})

    assert [[ADA]] == [mail.recipients for mail in server.mails]
    assert {0} == ledger.served


async def test_messages_that_are_taken_back_say_nothing_about_the_server(server, notifier, notifier_for):
    size = notifier._pool.size
    server.answer("MAIL", *["452 4.3.1 disk full"] * 4)
    await asyncio.gather(*(send(notifier, message_id=f"{n}") for n in range(4)), return_exceptions=True)
    taken_back = Recorder()
    taken_back.refuse = True

    with pytest.raises(DeliveryLost):
        await report(notifier, message_id="back", ledger=taken_back)
    server.answer("MAIL", "452 4.3.1 disk full")
    (failure,) = await asyncio.gather(send(notifier, message_id="fifth"), return_exceptions=True)

    assert (size, "outage") == (notifier._pool.size, failure.kind)


@pytest.mark.parametrize(("policy", "final"), [("resend", False), ("dead-letter", True)])
async def test_the_settings_say_what_is_done_with_what_nobody_knows(server, notifier_for, policy, final):
    assert final is notifier_for(server, unknown=policy).unknown_is_final


async def test_a_library_that_cancels_itself_has_lost_its_connection(notifier, ledger, monkeypatch):
    monkeypatch.setattr(SMTPProtocol, "execute_command", break_off)

    with pytest.raises(Failure, match="the conversation was broken off") as caught:
        await report(notifier, ledger=ledger)

    assert (Kind.OUTAGE, Reason.SMTP_UNREACHABLE) == (caught.value.kind, caught.value.reason)
    assert set() == ledger.served
