"""One part, one attempt, against a server that follows a script: who was served, who was not, and why."""

import asyncio
from datetime import timedelta

import pytest

from dispatcher.notifiers.base import Report
from dispatcher.notifiers.email import EmailNotifier
from dispatcher.notifiers.email import notifier as module
from dispatcher.notifiers.email.compose import compose
from dispatcher.notifiers.ledger import Ledger
from dispatcher.words.errors import Failure, Kind, Reason
from tests.notifiers.email.examples import DATE, notification, report, send, settings, texts
from tests.smtp_server import CUT, HANG, KEYWORDS, ONE_BY_ONE, USUAL, SmtpServer

LARGE = texts(txt="0123456789\n" * 800_000)
"""More than any buffer on the way holds: whoever hangs up in between, has not got the end."""

THREE = ["Ada <ada@example.org>", "bob@example.org", "carl@example.org"]


@pytest.fixture(params=[KEYWORDS, ONE_BY_ONE], ids=["pipelined", "one by one"])
def keywords(request):
    return request.param


async def failed(notifier, **fields) -> Failure:
    """The one failure of a send that served nobody, whichever way it is told."""
    try:
        failures = await send(notifier, **fields)
    except Failure as failure:
        return failure
    kinds = {failure.text: failure for failure in failures.values()}
    assert 1 == len(kinds)
    return kinds.popitem()[1]


async def test_a_mail_is_handed_over_to_everybody_at_once(server, notifier):
    assert {} == await send(notifier, to=THREE, cc="dora@example.org", bcc="emil@example.org", subject="Grüße")

    (mail,) = server.mails
    assert "noreply@example.org" == mail.sender
    expected = ["ada@example.org", "bob@example.org", "carl@example.org", "dora@example.org", "emil@example.org"]
    assert expected == mail.recipients
    assert "Grüße" == mail.message["Subject"]
    assert DATE == mail.message["Date"].datetime
    assert "emil" not in mail.data.decode()
    assert f"SIZE={len(mail.data)}" in mail.mail_command
    assert "EHLO us.example" == server.sessions[0].commands[0]


async def test_the_author_of_the_notification_is_the_sender_of_the_envelope(server, notifier):
    await send(notifier, from_="Jürgen <j@bücher.example>")

    assert "j@xn--bcher-kva.example" == server.mails[0].sender


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("250 2.0.0 Ok: queued as 4c3dXy", "2.0.0 Ok: queued as 4c3dXy"),
        ("250 one\n250 two", "one two"),
        ("250 \x1b[31mred", "\ufffd[31mred"),
        ("250 " + "x" * 400, "x" * 197 + "…"),
        ("250 ", None),
    ],
)
async def test_what_the_server_calls_the_mail_is_told(server, notifier, answer, reference):
    server.answer("DOT", answer)

    assert Report({}, reference) == await report(notifier)


async def test_what_the_server_calls_several_transactions_is_told_together(server, notifier_for):
    notifier = notifier_for(server, max_recipients=1)
    server.answer("DOT", "250 queued as A", "554 5.7.1 spam")
    first = await report(notifier, to=THREE)
    server.answer("DOT", "250 queued as B", "250 queued as C")
    second = await report(notifier, to=THREE, done={0})

    assert ("queued as A", {1, 2}) == (first.reference, set(first.failures))
    assert Report({}, "queued as B; queued as C") == second


async def test_what_the_server_calls_many_transactions_is_told_in_part(server, notifier_for):
    server.answer("DOT", *["250 " + "x" * 100] * 20)

    many = await report(notifier_for(server, max_recipients=1), to=[f"{at}@x.example" for at in range(20)])

    assert many.reference is not None
    assert 500 == len(many.reference.encode())


async def test_what_was_not_taken_has_no_reference(server, notifier):
    server.answer("RCPT", "550 5.1.1 no")

    assert (await report(notifier)).reference is None
    assert Report() == await report(notifier, done={0})


async def test_who_was_served_before_is_named_but_not_served_again(server, notifier):
    assert {} == await send(notifier, to=THREE, done={0, 2})

    assert ["bob@example.org"] == server.mails[0].recipients
    assert 3 == len(server.mails[0].message["To"].addresses)


async def test_nothing_is_sent_where_everybody_was_served_before(server, notifier):
    assert {} == await send(notifier, to=THREE, done={0, 1, 2})

    assert [] == server.sessions


async def test_each_refused_recipient_has_a_fate_of_its_own(server, notifier):
    server.answer("RCPT", "550 5.1.1 no such user", about="bob@", always=True)
    server.answer("RCPT", "450 4.7.1 greylisted", about="carl@", always=True)

    failures = await send(notifier, to=THREE)

    assert {1: Reason.NO_SUCH_RECIPIENT, 2: Reason.GREYLISTED} == {slot: one.reason for slot, one in failures.items()}
    assert timedelta(minutes=5) == failures[2].wait
    assert "<bob@example.org>" in failures[1].text
    assert [["ada@example.org"]] == [mail.recipients for mail in server.mails]


async def test_when_all_are_refused_no_text_is_sent_and_the_connection_is_kept(server, notifier, keywords):
    server.answer("RCPT", *["550 5.1.1 no"] * 3)

    failures = await send(notifier, to=THREE)
    assert {0, 1, 2} == set(failures)
    assert {} == await send(notifier)

    (session,) = server.sessions
    offered = ["EHLO", "MAIL", "RCPT", "RCPT", "RCPT", *(["DATA"] if "PIPELINING" in keywords else [])]
    assert [*offered, "RSET", "MAIL", "RCPT", "DATA"] == session.verbs()
    assert 1 == server.seen["DATA"]


async def test_an_address_that_is_none_does_not_stop_the_others(server, notifier):
    failures = await send(notifier, to=["nobody", "Ada <ada@example.org>", "x\r\nRCPT TO:<eve@example.org>"])

    assert {0: Reason.BAD_ADDRESS, 2: Reason.BAD_ADDRESS} == {slot: one.reason for slot, one in failures.items()}
    assert {Kind.RECIPIENT} == {one.kind for one in failures.values()}
    assert ["ada@example.org"] == server.mails[0].recipients


async def test_an_address_that_is_none_is_not_judged_again_once_it_is_settled(notifier):
    assert {} == await send(notifier, to=["nobody"], done={0})


async def test_two_names_for_one_mailbox_get_one_mail_and_one_fate(server, notifier):
    to = ["Ada <ada@example.org>", "Countess <ada@EXAMPLE.org>"]
    assert {} == await send(notifier, to=to)
    assert ["ada@example.org"] == server.mails[0].recipients

    server.answer("RCPT", "550 5.1.1 no")
    failures = await send(notifier, to=to)
    assert {0, 1} == set(failures)
    assert failures[0] is failures[1]


async def test_a_mailbox_settled_under_another_name_is_served_under_this_one(server, notifier):
    to = ["ada@example.org", "Ada <ada@example.org>"]

    assert {} == await send(notifier, to=to, done={0})
    assert {} == await send(notifier, to=to, done={1})

    assert [["ada@example.org"]] * 2 == [mail.recipients for mail in server.mails]


async def test_a_domain_outside_ascii_needs_nothing_of_the_server(notifier_for):
    async with SmtpServer(keywords=()) as plain:
        notifier = notifier_for(plain)

        assert {} == await send(notifier, to="ada@bücher.example")

        assert "MAIL FROM:<noreply@example.org>" == plain.mails[0].mail_command
        assert ["ada@xn--bcher-kva.example"] == plain.mails[0].recipients
        await notifier.close()


async def test_smtputf8_is_asked_for_where_an_address_needs_it(server, notifier):
    await send(notifier, to=["grüße@example.org"])
    await send(notifier, to=["ada@example.org"], bcc=["grüße@example.org"])

    assert server.mails[0].mail_command.endswith(" BODY=8BITMIME SMTPUTF8")
    assert ["grüße@example.org"] == server.mails[0].recipients
    assert server.mails[1].mail_command.endswith(f"SIZE={len(server.mails[1].data)} SMTPUTF8")


async def test_without_smtputf8_only_those_who_need_it_are_not_served(notifier_for):
    async with SmtpServer(keywords=("8BITMIME",)) as plain:
        notifier = notifier_for(plain)

        failures = await send(notifier, to=["grüße@example.org", "ada@example.org"])
        alone = await send(notifier, to=["grüße@example.org"])

        assert {0: Reason.NEEDS_SMTPUTF8} == {slot: one.reason for slot, one in failures.items()}
        assert {0: Kind.RECIPIENT} == {slot: one.kind for slot, one in alone.items()}
        (mail,) = plain.mails
        assert ["ada@example.org"] == mail.recipients
        assert "ada@example.org" == mail.message["To"]
        assert mail.data.isascii()
        await notifier.close()


async def test_a_sender_that_needs_smtputf8_fails_the_mail_where_it_is_not_offered(notifier_for):
    async with SmtpServer(keywords=()) as plain:
        notifier = notifier_for(plain)

        with pytest.raises(Failure) as caught:
            await send(notifier, from_="grüße@example.org")

        assert (Kind.CONTENT, Reason.NEEDS_SMTPUTF8) == (caught.value.kind, caught.value.reason)
        await notifier.close()


async def test_a_mail_larger_than_the_server_takes_is_not_begun(notifier_for):
    async with SmtpServer(keywords=("SIZE 5000",)) as small:
        notifier = notifier_for(small)

        with pytest.raises(Failure, match="5000 at most") as caught:
            await send(notifier, rendered=texts(txt="x\n" * 3000))
        assert {} == await send(notifier)

        assert (Kind.CONTENT, Reason.TOO_LARGE) == (caught.value.kind, caught.value.reason)
        assert ["EHLO", "RSET", "MAIL", "RCPT", "DATA"] == small.sessions[0].verbs()
        await notifier.close()


@pytest.mark.parametrize("keyword", ["SIZE", "SIZE 0", "SIZE many"])
async def test_a_size_without_a_number_is_no_limit(notifier_for, keyword):
    async with SmtpServer(keywords=(keyword,)) as unlimited:
        notifier = notifier_for(unlimited)

        assert {} == await send(notifier)

        assert "SIZE=" in unlimited.mails[0].mail_command
        await notifier.close()


async def test_lines_that_begin_with_a_dot_arrive_as_they_were(server, notifier):
    await send(notifier, rendered=texts(txt=".\n..\n.x\nRCPT TO:<eve@example.org>\n.\n"))

    (mail,) = server.mails
    assert ".\n..\n.x\nRCPT TO:<eve@example.org>\n.\n" == mail.message.get_content().replace("\r\n", "\n")
    assert b"\r\n..\r\n...\r\n..x\r\n" in mail.raw


async def test_a_large_mail_is_taken_whole(server, notifier):
    text = "0123456789\n" * 200_000

    assert {} == await send(notifier, rendered=texts(txt=text))

    assert text == server.mails[0].message.get_content().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("point", "answer", "kind", "reason"),
    [
        ("MAIL", "550 5.7.1 not you", Kind.CONTENT, Reason.SENDER_REFUSED),
        ("MAIL", "452 4.3.1 full", Kind.TRANSIENT, Reason.SMTP_TEMPORARY),
        ("MAIL", "530 5.7.0 log in first", Kind.OUTAGE, Reason.SMTP_LOGIN),
        ("MAIL", "421 4.3.2 bye", Kind.THROTTLED, Reason.SMTP_BUSY),
        ("RCPT", "421 4.3.2 bye", Kind.THROTTLED, Reason.SMTP_BUSY),
        ("DATA", "451 4.3.0 not now", Kind.TRANSIENT, Reason.SMTP_TEMPORARY),
        ("DATA", "421 4.3.2 bye", Kind.THROTTLED, Reason.SMTP_BUSY),
        ("DOT", "554 5.7.1 spam", Kind.CONTENT, Reason.CONTENT_REFUSED),
        ("DOT", "451 4.7.1 filter is down", Kind.TRANSIENT, Reason.SMTP_TEMPORARY),
        ("DOT", "421 4.3.2 bye", Kind.THROTTLED, Reason.SMTP_BUSY),
        ("MAIL", CUT, Kind.TRANSIENT, Reason.SMTP_CUT),
        ("RCPT", CUT, Kind.TRANSIENT, Reason.SMTP_CUT),
        ("DATA", CUT, Kind.TRANSIENT, Reason.SMTP_CUT),
        ("BODY", CUT, Kind.TRANSIENT, Reason.SMTP_CUT),
        ("DOT", CUT, Kind.UNKNOWN, Reason.SMTP_UNANSWERED),
        ("MAIL", b"HTTP/1.1 400 Bad Request\r\n", Kind.TRANSIENT, Reason.SMTP_CUT),
        ("MAIL", b"999 what\r\n", Kind.TRANSIENT, Reason.SMTP_CUT),
        ("RCPT", b"250 " + b"x" * 20_000 + b"\r\n", Kind.TRANSIENT, Reason.SMTP_CUT),
        ("DOT", b"what?\r\n", Kind.UNKNOWN, Reason.SMTP_UNANSWERED),
    ],
)
async def test_what_concerns_everybody_is_raised_and_the_next_mail_goes_out(
    server, notifier, point, answer, kind, reason
):
    server.answer(point, answer)

    with pytest.raises(Failure) as caught:
        await send(notifier, to=THREE, rendered=LARGE if point == "BODY" else texts(txt="x"))
    assert (kind, reason) == (caught.value.kind, caught.value.reason)
    assert f"127.0.0.1:{server.port}" in caught.value.text

    server.mails.clear()
    assert {} == await send(notifier, to=THREE)
    assert 1 == len(server.mails)


@pytest.mark.parametrize(
    ("point", "step", "kind", "reason"),
    [
        ("MAIL", "command", Kind.TRANSIENT, Reason.SMTP_CUT),
        ("RCPT", "command", Kind.TRANSIENT, Reason.SMTP_CUT),
        ("DATA", "command", Kind.TRANSIENT, Reason.SMTP_CUT),
        ("DOT", "final_reply", Kind.UNKNOWN, Reason.SMTP_UNANSWERED),
    ],
)
async def test_a_server_that_falls_silent_is_left_in_time(server, notifier_for, point, step, kind, reason):
    notifier = notifier_for(server, timeouts={step: "100ms"})
    server.answer(point, HANG)

    with pytest.raises(Failure, match="no answer in time") as caught:
        await send(notifier)

    assert (kind, reason) == (caught.value.kind, caught.value.reason)
    assert {} == await send(notifier)
    assert 2 == sum("MAIL" in session.verbs() for session in server.sessions)


@pytest.mark.parametrize("point", ["RCPT", "DATA", "BODY"])
async def test_a_server_that_hangs_up_and_is_gone_is_away(server, notifier, point):
    """Nothing was sent, and it is not this mail that the server goes for."""
    server.answer(point, CUT)
    server.answer("CONNECT", "220 hello")
    server.answer("CONNECT", CUT, always=True)

    with pytest.raises(Failure) as caught:
        await send(notifier, rendered=LARGE)

    assert (Kind.OUTAGE, Reason.SMTP_UNREACHABLE) == (caught.value.kind, caught.value.reason)


@pytest.mark.parametrize(("point", "answer"), [("RCPT", CUT), ("DATA", CUT), ("DATA", "451 no"), ("DOT", "451 no")])
async def test_what_mails_to_different_people_meet_in_a_row_is_an_outage(server, notifier, point, answer):
    server.answer(point, answer, always=True)
    kinds = []
    for number in range(5):
        with pytest.raises(Failure) as caught:
            await send(notifier, message_id=f"m{number}", to=[f"p{number}@example.org"])
        kinds.append(caught.value.kind)

    assert [Kind.TRANSIENT] * 4 + [Kind.OUTAGE] == kinds


BLOCKED = "554 5.7.1 Service unavailable; client host is on a blocklist"
LOOKUP = "451 4.3.0 Temporary lookup failure"


@pytest.mark.parametrize(
    ("point", "answer", "kind"),
    [
        ("RCPT", BLOCKED, Kind.RECIPIENT),
        ("DOT", BLOCKED, Kind.CONTENT),
        ("RCPT", LOOKUP, Kind.TRANSIENT),
        ("RCPT", "530 5.7.0 log in first", Kind.TRANSIENT),
    ],
)
async def test_a_server_that_refuses_all_mails_to_different_people_refuses_us(server, notifier, point, answer, kind):
    server.answer(point, answer, always=True)
    kinds = [await kind_of(notifier, number, f"p{number}@example.org") for number in range(6)]

    assert [kind] * 4 + [Kind.OUTAGE] * 2 == kinds

    server.forget()
    await send(notifier, message_id="good")
    server.answer(point, answer)

    assert kind is await kind_of(notifier, 7, "p7@example.org")


@pytest.mark.parametrize("answer", ["550 5.1.1 no such user", "450 4.7.1 try again later", "452 4.2.2 mailbox full"])
async def test_recipients_in_trouble_of_their_own_are_no_outage_however_many(server, notifier, answer):
    server.answer("RCPT", answer, always=True)
    kinds = {await kind_of(notifier, number, f"p{number}@example.org") for number in range(8)}

    assert Kind.OUTAGE not in kinds


async def test_a_mail_that_reaches_one_of_its_recipients_shows_that_it_is_not_about_us(server, notifier):
    server.answer("RCPT", BLOCKED, about="bad@", always=True)
    for number in range(6):
        failures = await send(notifier, message_id=f"m{number}", to=["bad@example.org", f"p{number}@example.org"])

        assert [Kind.RECIPIENT] == [failure.kind for failure in failures.values()]


async def kind_of(notifier, number, to):
    """Give the kind of the failure that a mail meets."""
    try:
        (failure,) = (await send(notifier, message_id=f"m{number}", to=[to])).values()
    except Failure as raised:
        return raised.kind
    return failure.kind


async def test_what_only_one_recipient_meets_is_no_outage(server, notifier):
    server.answer("RCPT", CUT, about="bob@", always=True)
    kinds = []
    for number in range(7):
        with pytest.raises(Failure) as caught:
            await send(notifier, message_id=f"m{number}", to=["bob@example.org"])
        kinds.append(caught.value.kind)

    assert [Kind.TRANSIENT] * 7 == kinds


async def test_a_server_that_does_not_read_the_text_is_left_in_time(notifier_for):
    async def stop_reading(reader, writer):
        writer.write(b"220 hello\r\n")
        for answer in (b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"):
            await reader.readline()
            writer.write(answer)
        await gone.wait()
        writer.transport.abort()

    gone = asyncio.Event()
    stuck = await asyncio.start_server(stop_reading, "127.0.0.1", 0)
    server = SmtpServer()
    server.port = stuck.sockets[0].getsockname()[1]
    notifier = notifier_for(server, timeouts={"data": "200ms"})

    with pytest.raises(Failure, match="no answer in time at the text of the mail") as caught:
        await send(notifier, rendered=texts(txt="0123456789\n" * 2_000_000))

    assert (Kind.TRANSIENT, Reason.SMTP_CUT) == (caught.value.kind, caught.value.reason)
    gone.set()
    stuck.close()
    await notifier.close()


async def test_too_many_recipients_for_the_server_go_on_in_the_next_transaction(server, notifier):
    server.answer("RCPT", "250 ok", "250 ok", "452 4.5.3 too many recipients")

    assert {} == await send(notifier, to=THREE)

    assert [["ada@example.org", "bob@example.org"], ["carl@example.org"]] == [one.recipients for one in server.mails]
    assert server.mails[0].data == server.mails[1].data


async def test_too_many_recipients_at_the_first_one_is_transient(server, notifier):
    server.answer("RCPT", "452 4.5.3 too many recipients")

    failures = await send(notifier)

    assert Kind.TRANSIENT is failures[0].kind


async def test_more_recipients_than_the_settings_allow_are_several_transactions(server, notifier_for):
    notifier = notifier_for(server, max_recipients=2)

    assert {} == await send(notifier, to=THREE)

    assert [2, 1] == [len(mail.recipients) for mail in server.mails]
    assert 1 == len(server.sessions)


async def test_what_fails_later_is_said_of_those_alone_who_were_not_served(server, notifier_for):
    notifier = notifier_for(server, max_recipients=1)
    server.answer("DOT", "250 ok", "421 4.3.2 bye")

    failures = await send(notifier, to=THREE)

    assert {1: Reason.SMTP_BUSY, 2: Reason.SMTP_BUSY} == {slot: one.reason for slot, one in failures.items()}
    assert [["ada@example.org"]] == [mail.recipients for mail in server.mails]


async def test_who_was_not_tried_is_not_unknown(server, notifier_for):
    notifier = notifier_for(server, max_recipients=1)
    server.answer("DOT", CUT)

    failures = await send(notifier, to=["ada@example.org", "bob@example.org"])

    assert {0: Kind.UNKNOWN, 1: Kind.TRANSIENT} == {slot: one.kind for slot, one in failures.items()}
    assert "not tried" in failures[1].text


async def interrupted(server, notifier, at, **fields):
    """Send, and interrupt that as soon as the server has seen so many commands of a kind."""
    point, times = at
    sending = asyncio.create_task(report(notifier, **fields))
    await server.until(lambda: server.seen[point] == times)
    sending.cancel()
    return await sending


@pytest.mark.parametrize("point", ["MAIL", "RCPT", "DATA", "DOT"])
async def test_an_interruption_does_not_forget_whom_the_server_has_served(server, notifier_for, point):
    notifier = notifier_for(server, max_recipients=1, connections=1)
    server.answer(point, USUAL[point], HANG)

    stopped = await interrupted(server, notifier, (point, 2), to=THREE)

    assert {1, 2} == set(stopped.failures)
    assert {(Kind.OUTAGE, Reason.INTERRUPTED)} == {(one.kind, one.reason) for one in stopped.failures.values()}
    assert "2.0.0 queued as TEST" == stopped.reference
    assert ["ada@example.org"] == server.mails[0].recipients
    assert {} == await send(notifier, to=THREE, done={0})


async def test_an_interruption_keeps_what_the_server_said_of_others(server, notifier_for):
    notifier = notifier_for(server, max_recipients=2)
    server.answer("RCPT", "250 ok", "550 5.1.1 no", "550 5.1.1 no", HANG)

    stopped = await interrupted(server, notifier, ("RCPT", 4), to=[*THREE, "dora@example.org", "emil@example.org"])

    expected = {
        1: Reason.NO_SUCH_RECIPIENT,
        2: Reason.NO_SUCH_RECIPIENT,
        3: Reason.INTERRUPTED,
        4: Reason.INTERRUPTED,
    }
    assert expected == {slot: one.reason for slot, one in stopped.failures.items()}


async def test_an_interruption_while_waiting_for_a_connection_forgets_nobody(server, notifier_for):
    notifier = notifier_for(server, max_recipients=1, connections=1, mails_per_connection=1)
    server.answer("CONNECT", "220 hello", HANG)

    stopped = await interrupted(server, notifier, ("CONNECT", 2), to=THREE)

    assert {1, 2} == set(stopped.failures)


@pytest.mark.parametrize("point", ["CONNECT", "MAIL", "RCPT", "DOT"])
async def test_an_interruption_before_anybody_was_served_is_one(server, notifier_for, point):
    notifier = notifier_for(server, max_recipients=2)
    server.answer(point, HANG)

    with pytest.raises(asyncio.CancelledError):
        await interrupted(server, notifier, (point, 1), to=THREE)


async def test_an_interruption_after_refusals_alone_is_one(server, notifier_for):
    notifier = notifier_for(server, max_recipients=1)
    server.answer("RCPT", "550 5.1.1 no", HANG)

    with pytest.raises(asyncio.CancelledError):
        await interrupted(server, notifier, ("RCPT", 2), to=THREE)


async def test_when_the_service_is_away_nothing_is_said_about_single_recipients(server, notifier):
    server.answer("RCPT", "550 5.1.1 no", "421 4.3.2 bye")

    with pytest.raises(Failure) as caught:
        await send(notifier, to=["nobody", *THREE])

    assert Kind.THROTTLED is caught.value.kind


async def test_a_mail_that_cannot_be_written_takes_no_connection(server, notifier):
    with pytest.raises(Failure) as caught:
        await send(notifier, headers={"Bcc": "eve@example.org"})
    with pytest.raises(Failure, match="from: "):
        await send(notifier, from_="nobody")

    assert (Kind.CONTENT, Reason.BAD_HEADER) == (caught.value.kind, caught.value.reason)
    assert [] == server.sessions


async def test_no_more_mails_are_written_than_can_be_on_their_way(server, notifier_for, monkeypatch):
    written = []
    monkeypatch.setattr(module, "compose", lambda draft, *, utf8: written.append(draft) or compose(draft, utf8=utf8))
    notifier = notifier_for(server, connections=2)
    server.answer("DOT", HANG, HANG)

    sending = [asyncio.create_task(send(notifier, message_id=f"id-{number}")) for number in range(5)]
    await server.until(lambda: server.seen["DOT"] == 2)
    assert 2 == len(written)

    for task in sending[:2]:
        task.cancel()
    assert [{}] * 3 == (await asyncio.gather(*sending, return_exceptions=True))[2:]
    assert 5 == len(written)


@pytest.mark.parametrize(
    ("point", "answer", "reason"),
    [
        ("MAIL", "421 4.3.2 bye", Reason.SMTP_BUSY),
        ("DOT", "421 4.3.2 bye", Reason.SMTP_BUSY),
        ("MAIL", "452 4.3.1 disk full", Reason.SMTP_TEMPORARY),
        ("MAIL", "550 5.7.1 not you", Reason.SENDER_REFUSED),
        ("MAIL", CUT, Reason.SMTP_CUT),
    ],
)
async def test_several_mails_in_a_row_that_fail_alike_are_an_outage(server, notifier, point, answer, reason):
    server.answer(point, *[answer] * 6)

    failures = [await failed(notifier, message_id=f"id-{number}") for number in range(6)]

    assert {reason} == {failure.reason for failure in failures}
    assert [False] * 4 + [True] * 2 == [failure.kind is Kind.OUTAGE for failure in failures]
    assert "5 mails in a row" in failures[-1].text


async def test_the_first_mail_that_is_taken_ends_an_outage(server, notifier):
    server.answer("MAIL", *["452 4.3.1 disk full"] * 5, "250 ok", "452 4.3.1 disk full")
    before = [(await failed(notifier, message_id=f"id-{number}")).kind for number in range(5)]
    await send(notifier, message_id="relief")

    assert (Kind.OUTAGE, Kind.TRANSIENT) == (before[-1], (await failed(notifier, message_id="after")).kind)


async def test_one_recipient_whose_server_is_in_trouble_is_no_outage(server, notifier):
    server.answer("RCPT", "451 4.4.1 no answer from there", about="ada@", always=True)

    kinds = [{one.kind for one in (await send(notifier, message_id=f"{n}")).values()} for n in range(9)]

    assert [{Kind.TRANSIENT}] * 9 == kinds


@pytest.mark.parametrize("answer", ["452 4.3.1 disk full", CUT])
async def test_one_mail_that_always_fails_is_no_outage(server, notifier, answer):
    server.answer("MAIL", *[answer] * 7)

    assert {Kind.TRANSIENT} == {(await failed(notifier)).kind for _ in range(7)}


@pytest.mark.parametrize("relief", [{}, {"point": "RCPT", "answer": "550 5.1.1 no"}, {"point": "DOT", "answer": CUT}])
async def test_a_mail_that_gets_further_ends_the_row(server, notifier, relief):
    server.answer("MAIL", *["452 4.3.1 disk full"] * 4, "250 ok", *["452 4.3.1 disk full"] * 4)
    if relief:
        server.answer(relief["point"], relief["answer"])

    kinds = []
    for number in range(9):
        if number == 4:
            try:
                await send(notifier, message_id="relief")
            except Failure as failure:
                assert failure.reason is Reason.SMTP_UNANSWERED  # noqa: PT017
        else:
            kinds.append((await failed(notifier, message_id=f"id-{number}")).kind)

    assert {Kind.TRANSIENT} == set(kinds)


async def test_a_publishers_own_sender_that_is_refused_is_no_outage(server, notifier):
    server.answer("MAIL", *["550 5.7.1 not you"] * 7)

    failures = [await failed(notifier, message_id=f"id-{number}", from_="me@example.net") for number in range(7)]

    assert {Kind.CONTENT} == {failure.kind for failure in failures}


async def test_check_says_what_answered(server, notifier):
    assert f"127.0.0.1:{server.port}, without TLS" == await notifier.check()

    assert ["EHLO", "NOOP", "QUIT"] == server.sessions[0].verbs()


@pytest.mark.parametrize(("answer", "words"), [(CUT, "connection lost"), ("502 5.5.1 what", "502 5.5.1 what")])
async def test_check_fails_as_a_send_would(server, notifier, answer, words):
    server.answer("NOOP", answer)

    with pytest.raises(Failure, match=words) as caught:
        await notifier.check()

    assert (Kind.OUTAGE, Reason.SMTP_UNREACHABLE) == (caught.value.kind, caught.value.reason)


async def test_the_date_is_now_unless_a_test_says_otherwise(server):
    notifier = EmailNotifier(settings(server))
    before = module._now().replace(microsecond=0)
    asked = notification()

    await notifier.send("id", asked, asked.parts()[0], texts(txt="x"), Ledger())

    assert before <= server.mails[0].message["Date"].datetime <= module._now()
    await notifier.close()


async def test_mails_are_paced_by_server_and_by_domain_as_the_settings_say(server, notifier_for):
    domains = {"slow.example": "1/m", "free.example": "none"}
    paced = notifier_for(server, pace={"server": "10/s", "domain": "5/s", "domains": domains})
    to = ["ada@example.org", "bob@SLOW.example", "cyd@example.org", "dan@free.example", "no address", "e@done.example"]
    (part,) = notification(to=to).parts()

    assert ["10/s"] == [str(rate) for rate in paced.rates]
    assert ["domain example.org takes 5/s", "domain slow.example takes 1/m"] == [
        str(destination) for destination in paced.destinations(part, frozenset({5}))
    ]


async def test_without_paces_there_is_nothing_to_wait_for(notifier):
    assert ([], ()) == (list(notifier.rates), tuple(notifier.destinations(notification().parts()[0], frozenset())))
