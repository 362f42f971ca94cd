"""One part, one attempt: what Telegram is asked for, and what is said of it."""

import asyncio
import json
import ssl

import pytest

from dispatcher.contract.base import decode
from dispatcher.contract.telegram import TelegramNotification
from dispatcher.notifiers.base import Report
from dispatcher.notifiers.ledger import Ledger
from dispatcher.notifiers.telegram import TelegramNotifier
from dispatcher.words.errors import Failure, Kind, Reason
from tests.conftest import Certificates
from tests.http_server import CUT, HANG, Answer, HttpServer
from tests.notifiers.telegram.examples import (
    FILE,
    TOKEN,
    BotApi,
    failed,
    judged,
    methods,
    notification,
    refused,
    report,
    sent,
    settings,
    texts,
)


async def test_a_text_is_sent(server, notifier):
    said = await report(notifier, texts(html="<b>Hello</b>", txt="Hello"))

    assert Report(reference="message 101") == said
    (request,) = server.requests
    assert ("POST", f"/bot{TOKEN}/sendMessage") == (request.method, request.path)
    assert {
        "chat_id": "4711",
        "text": "<b>Hello</b>",
        "parse_mode": "HTML",
        "link_preview_options": '{"is_disabled": false}',
    } == request.fields


@pytest.mark.parametrize(
    ("by_format", "text", "mode"),
    [
        ({"html": "<b>a</b>", "md": "*b*", "txt": "c"}, "<b>a</b>", "HTML"),
        ({"md": "*b*", "txt": "c"}, "*b*", "MarkdownV2"),
        ({"txt": "<c> & *d*"}, "<c> & *d*", None),
    ],
)
async def test_the_format_that_says_most_is_sent(server, notifier, by_format, text, mode):
    await report(notifier, texts(**by_format))

    assert ([text], [mode]) == (sent(server), sent(server, "parse_mode"))


@pytest.mark.parametrize(
    ("to", "chat"),
    [
        (4711, "4711"),
        ("4711", "4711"),
        (-1001234567890, "-1001234567890"),
        ("-1001234567890", "-1001234567890"),
        ("@example_team", "@example_team"),
    ],
)
async def test_a_chat_is_named_by_its_id_or_its_name(server, notifier, to, chat):
    await report(notifier, to=to)

    assert [chat] == sent(server, "chat_id")


@pytest.mark.parametrize(
    "to",
    [
        "ada@example.org",
        "@a",
        "@1abc",
        "example",
        "0",
        "-0",
        "+4711",
        "\uff14\uff17",
        "47 11",
        "@ä_team",
        "9" * 20,
        "@x\n",
    ],
)
async def test_what_is_no_chat_is_the_recipients_fault(server, notifier, to):
    failure = await failed(notifier, to=to)

    assert (Kind.RECIPIENT, Reason.BAD_ADDRESS, None) == judged(failure)
    assert "no chat of Telegram's" in failure.text
    assert [] == server.requests
    assert () == notifier.destinations(notification(to=to).parts()[0], frozenset())


async def test_who_was_served_before_is_not_served_again(server, notifier):
    assert Report() == await report(notifier, done={0})

    assert [] == server.requests


async def test_the_fields_of_a_notification_are_passed_on(server, notifier):
    await report(
        notifier,
        silent=True,
        thread=17,
        topic=4,
        link_preview=False,
        buttons=[{"text": "Yes", "url": "https://example.org/yes"}, {"text": "Nö", "url": "tg://resolve?domain=x"}],
    )

    fields = server.requests[0].fields
    assert ("true", "4") == (fields["disable_notification"], fields["message_thread_id"])
    assert {"message_id": 17, "allow_sending_without_reply": True} == json.loads(fields["reply_parameters"])
    assert {"is_disabled": True} == json.loads(fields["link_preview_options"])
    keyboard = json.loads(fields["reply_markup"])["inline_keyboard"]
    assert [["Yes"], ["Nö"]] == [[button["text"] for button in row] for row in keyboard]
    assert "tg://resolve?domain=x" == keyboard[1][0]["url"]


async def test_buttons_may_stand_in_rows(server, notifier):
    row = [{"text": name, "url": f"http://example.org/{name}"} for name in "ab"]

    await report(notifier, buttons=[row, row[:1]])

    keyboard = json.loads(server.requests[0].fields["reply_markup"])["inline_keyboard"]
    assert [["a", "b"], ["a"]] == [[button["text"] for button in row] for row in keyboard]


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "javascript:alert(1)", "example.org", "https://", "https://[", "https://a\n"]
)
async def test_a_button_leads_to_the_web_or_into_telegram(server, notifier, url):
    buttons = [[{"text": "ok", "url": "https://example.org"}, {"text": "x", "url": url}]]

    failure = await failed(notifier, buttons=buttons)

    assert (Kind.CONTENT, Reason.MALFORMED, None) == judged(failure)
    assert failure.text.startswith("buttons: 0.1: url must begin with http:// or https:// or tg://")
    assert [] == server.requests


async def test_a_preview_is_shown_as_the_notification_says_or_the_settings(server, notifier_for):
    notifier = notifier_for(server, link_preview=False)

    await report(notifier)
    await report(notifier, link_preview=True)

    assert [True, False] == [json.loads(said)["is_disabled"] for said in sent(server, "link_preview_options")]


@pytest.mark.parametrize("text", ["", " \n ", "\u2060\u200b", "<b> </b>", "&#8288;"])
async def test_a_text_that_nobody_sees_is_not_sent(server, notifier, text):
    failure = await failed(notifier, texts(html=text))

    assert (Kind.CONTENT, Reason.NO_TEXT, None) == judged(failure)
    assert FILE in failure.text
    assert [] == server.requests


async def test_half_of_a_surrogate_pair_is_replaced(server, notifier):
    await report(notifier, texts(html="a\ud83d<b>b\ud83d\udc4d</b>"))

    assert ["a\ufffd<b>b👍</b>"] == sent(server)


@pytest.mark.parametrize(
    ("by_format", "plain", "sentence"),
    [
        ({"html": "<p>Hello &amp; <b>you</b></p>"}, "Hello & you", "<p> is no tag of Telegram's"),
        ({"html": "<b>Hello", "txt": "Hello, in text"}, "Hello, in text", "the tag <b> is not closed"),
        ({"html": "<b>Hello", "txt": " \n"}, "Hello", "the tag <b> is not closed"),
        ({"md": "Hello\\. *you."}, "Hello. *you.", ". is reserved and must be escaped with a backslash"),
        ({"md": "[Hello", "txt": "T"}, "T", "an element that begins with [ is not closed"),
    ],
)
async def test_markup_that_telegram_would_refuse_is_sent_as_plain_text(server, notifier, by_format, plain, sentence):
    said = await report(notifier, texts(**by_format))

    assert ([plain], [None]) == (sent(server), sent(server, "parse_mode"))
    assert f"{FILE}: {sentence}, so it was sent as plain text" == said.remark


@pytest.mark.parametrize(
    ("by_format", "mode", "plain"),
    [
        ({"html": "<b>Hello</b> &amp; you"}, "HTML", "Hello & you"),
        ({"html": "<b>Hello</b>", "txt": "The text"}, "HTML", "The text"),
        ({"md": "*Hello* \\& you"}, "MarkdownV2", "Hello & you"),
    ],
)
async def test_markup_that_telegram_refuses_is_sent_as_plain_text_at_once(server, notifier, by_format, mode, plain):
    server.answer("sendMessage", refused(400, "Bad Request: can't parse entities: Unsupported start tag"))

    said = await report(notifier, texts(**by_format), silent=True)

    assert plain == sent(server)[1]
    assert [mode, None] == sent(server, "parse_mode")
    assert ["true", "true"] == sent(server, "disable_notification")
    assert "message 101" == said.reference
    assert said.remark.startswith(
        f"{FILE}: 127.0.0.1:{server.port} answered the message to 4711 with: 400 can't parse entities"
    )
    assert said.remark.endswith("so it was sent as plain text")


async def test_what_is_refused_as_plain_text_too_is_given_up(server, notifier):
    server.answer("sendMessage", refused(400, "can't parse entities: a"), refused(400, "odd: b"))

    failure = await failed(notifier, texts(html="<b>Hello</b>"))

    assert (Kind.CONTENT, Reason.BAD_MARKUP, None) == judged(failure)
    assert "can't parse entities: a" in failure.text
    assert "odd: b" in failure.text
    assert 2 == len(server.requests)


async def test_a_failure_of_another_kind_on_the_second_way_is_what_it_is(server, notifier):
    server.answer("sendMessage", refused(400, "can't parse entities: a"), refused(429, retry_after=3))

    assert Reason.RATE_LIMITED is (await failed(notifier, texts(html="<b>Hello</b>"))).reason


async def test_plain_text_is_not_tried_twice(server, notifier):
    server.answer("sendMessage", refused(400, "can't parse entities: a"))

    assert Reason.BAD_MARKUP is (await failed(notifier)).reason
    assert 1 == len(server.requests)


async def test_a_group_that_has_a_new_id_gets_it_there_at_once(server, notifier):
    server.answer("sendMessage", refused(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-100123))

    said = await report(notifier, to=-17)

    assert ["-17", "-100123"] == sent(server, "chat_id")
    assert "message 101" == said.reference
    assert "chat -17 has become chat -100123: name it so from now on" == said.remark


async def test_a_group_that_moves_on_and_on_is_not_run_after(server, notifier):
    server.answer("sendMessage", *[refused(400, "upgraded", migrate_to_chat_id=-at) for at in (2, 3)])

    failure = await failed(notifier, to=-1)

    assert Kind.TRANSIENT is failure.kind
    assert "chat -1 became chat -2, and this became chat -3" in failure.text
    assert 2 == len(server.requests)


async def test_a_failure_in_the_new_group_is_what_it_is(server, notifier):
    moved = refused(400, "upgraded", migrate_to_chat_id=-2)
    server.answer("sendMessage", moved, refused(403, "Forbidden: bot was kicked from the group chat"))

    assert Reason.KICKED is (await failed(notifier, to=-1)).reason


async def test_markup_may_be_refused_in_a_group_that_has_moved(server, notifier):
    moved = refused(400, "upgraded", migrate_to_chat_id=-2)
    server.answer("sendMessage", moved, refused(400, "can't parse entities: x"))

    said = await report(notifier, texts(html="<b>x</b>"), to=-1)

    assert ["-1", "-2", "-2"] == sent(server, "chat_id")
    assert "name it so from now on" in said.remark
    assert "sent as plain text" in said.remark


def test_a_chat_has_its_pace_and_a_group_two():
    notifier = TelegramNotifier(settings(HttpServer(), api_url="http://127.0.0.1:1"))

    def named(to, done=frozenset()):
        return [str(one) for one in notifier.destinations(notification(to=to).parts()[0], frozenset(done))]

    assert ["chat 4711 takes 1/s"] == named("4711")
    assert ["chat -100123 takes 1/s and 20/m"] == named(-100123)
    assert ["chat @team_a takes 1/s and 20/m"] == named("@Team_A")
    assert [] == named(4711, done={0})
    assert ["30/s"] == [str(rate) for rate in notifier.rates]


@pytest.mark.parametrize(
    ("pace", "person", "group"),
    [
        ({"chat": "none"}, [], ["chat -1 takes 20/m"]),
        ({"group": "none"}, ["chat 1 takes 1/s"], ["chat -1 takes 1/s"]),
        ({"chat": "none", "group": "none", "bot": "none"}, [], []),
    ],
)
def test_without_a_pace_nobody_waits(pace, person, group):
    notifier = TelegramNotifier(settings(HttpServer(), api_url="http://127.0.0.1:1", pace=pace))

    for to, expected in ((1, person), (-1, group)):
        found = notifier.destinations(notification(to=to).parts()[0], frozenset())
        assert expected == [str(one) for one in found]
    assert ("bot" in pace) == (not notifier.rates)


async def test_check_says_who_we_are(server, notifier):
    assert f"@test_bot at 127.0.0.1:{server.port}" == await notifier.check()
    assert ["getMe"] == methods(server)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refused(401, "Unauthorized"), Reason.BAD_TOKEN),
        (Answer(502, "bad gateway"), Reason.SERVICE_ERROR),
        (CUT, Reason.SERVICE_UNANSWERED),
        (Answer(200, {"ok": True, "result": {"id": 1}}), Reason.SERVICE_UNANSWERED),
    ],
)
async def test_check_fails_as_sending_would(server, notifier, answer, reason):
    server.answer("getMe", answer)

    with pytest.raises(Failure) as caught:
        await notifier.check()

    assert reason is caught.value.reason


async def test_a_connection_is_kept_and_used_again(server, notifier):
    for _ in range(5):
        await report(notifier)

    assert 1 == server.connections
    await notifier.close()
    await server.until(lambda: server.open == 0)


async def test_a_connection_that_the_server_ended_meanwhile_is_replaced(server, notifier):
    await report(notifier)
    server.cut()
    await server.until(lambda: server.open == 0)

    assert "message 102" == (await report(notifier)).reference


async def test_no_more_connections_than_the_settings_allow(server, notifier_for):
    server.default = lambda _: Answer(200, {"ok": True, "result": {"message_id": 1}}, pause=0.05)
    notifier = notifier_for(server, connections=2)

    await asyncio.gather(*(report(notifier) for _ in range(8)))

    assert 8 == len(server.requests)
    assert 2 == server.peak


async def test_there_are_connections_for_many_requests_side_by_side_kept_for_the_next_ones(server, notifier):
    server.default = lambda _: Answer(200, {"ok": True, "result": {"message_id": 1}}, pause=0.1)

    for _ in range(2):
        await asyncio.gather(*(report(notifier, to=1000 + number) for number in range(60)))

    assert 120 == len(server.requests)
    assert 30 == server.peak == server.connections


async def test_sends_at_the_same_time_do_not_mix_their_answers(server, notifier):
    outcomes = {1: refused(403, "bot was blocked"), 2: refused(500), 3: refused(429, retry_after=9), 4: refused(401)}
    server.default = lambda request: outcomes.get(int(request.fields["chat_id"]) % 5) or BotApi()(request)

    async def outcome(chat):
        try:
            return (await report(notifier, to=chat)).reference
        except Failure as failure:
            return failure.reason

    found = await asyncio.gather(*(outcome(chat) for chat in range(5, 45)))

    one_round = ["message 101", Reason.BLOCKED, Reason.SERVICE_ERROR, Reason.RATE_LIMITED, Reason.BAD_TOKEN]
    assert one_round * 8 == found


async def test_tls_is_spoken_where_the_address_says_so(notifier_for, certificates: Certificates):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.cert, certificates.key)
    async with HttpServer(BotApi(), tls=context) as server:
        assert "message 101" == (await report(notifier_for(server, ca_file=certificates.ca))).reference
        assert "message 102" == (await report(notifier_for(server, verify_certificate=False))).reference


async def test_an_address_may_have_a_path_and_signs_of_its_own(server, notifier_for):
    await report(notifier_for(server, api_url=f"{server.url}/tele{{token}}gram"))

    assert [f"/tele%7Btoken%7Dgram/bot{TOKEN}/sendMessage"] == server.paths


async def test_a_proxy_of_the_environment_is_used(server, notifier_for, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "10.0.0.1")

    await report(notifier_for(server, api_url="http://telegram.invalid"))

    assert ["telegram.invalid"] == [request.headers["host"] for request in server.requests]


async def test_a_proxy_of_the_environment_is_not_used_where_it_is_not_to_be(server, notifier_for, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    assert "message 101" == (await report(notifier_for(server))).reference


async def test_closing_does_not_wait_for_those_who_say_nothing(server, notifier):
    server.answer("sendMessage", HANG)
    sending = asyncio.create_task(report(notifier))
    await server.until(lambda: len(server.requests) == 1)

    async with asyncio.timeout(5):
        await notifier.close()

    await asyncio.wait([sending])
    assert isinstance(sending.exception(), Failure)


async def test_a_body_of_the_queue_is_sent_to_each_of_its_recipients_once(server, notifier):
    body = json.dumps({"template": "hello", "to": [4711, "4711", "@example_team"]}).encode()
    asked, unknown = decode(TelegramNotification, body)
    assert not unknown

    for part in asked.parts():
        await notifier.send("id-1", asked, part, texts(txt="Hello"), Ledger())

    assert ["4711", "@example_team"] == sent(server, "chat_id")
