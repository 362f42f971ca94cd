"""A text in several messages: one after the other, each once, however often it is tried."""

import asyncio
import base64
import json

import pytest

from dispatcher.notifiers.base import Report
from dispatcher.notifiers.ledger import Ledger
from dispatcher.words.errors import Failure, Kind, Reason
from helpers.inboxes.telegram_markup import parse_html, units
from tests.http_server import CUT, HANG, Answer
from tests.notifiers.telegram.examples import (
    FILE,
    agreed,
    failed,
    judged,
    methods,
    notification,
    paragraphs,
    refused,
    report,
    sent,
    texts,
)

PICTURE = {"filename": "dot.png", "content": base64.b64encode(b"\x89PNG").decode()}
BUTTONS = [{"text": "Open", "url": "https://example.org/"}]


def begins(server):
    """How the texts begin that were sent: with their numbers."""
    return [text and text[:2] for text in sent(server)]


async def test_a_long_text_goes_out_in_pieces_with_the_buttons_below_the_last(server, notifier):
    said = await report(notifier, texts(txt=paragraphs(3)), buttons=BUTTONS, silent=True, thread=5, topic=6)

    assert Report(reference="messages 101\u2013103", messages=3) == said
    assert ["00", "01", "02"] == begins(server)
    assert [False, False, True] == [keyboard is not None for keyboard in sent(server, "reply_markup")]
    assert {"true"} == set(sent(server, "disable_notification"))
    assert {"6"} == set(sent(server, "message_thread_id"))
    assert [5, 5, 5] == [json.loads(said)["message_id"] for said in sent(server, "reply_parameters")]


async def test_messages_that_are_not_in_a_row_are_named_one_by_one(server, notifier):
    server.answer("sendMessage", *[agreed({"message_id": number}) for number in (7, 9, 10)])

    assert "messages 7, 9, 10" == (await report(notifier, texts(txt=paragraphs(3)))).reference


async def test_a_text_of_just_the_length_is_one_message_as_it_is(server, notifier):
    longest = "<b>" + "👍" * 2046 + "</b>&amp;&lt;&gt;&quot;"
    assert 4096 == units(parse_html(longest)[0])

    await report(notifier, texts(html=longest))
    await report(notifier, texts(html=longest + "x"))

    assert longest == sent(server)[0]
    assert 3 == len(server.requests)
    assert all(units(parse_html(text)[0]) <= 4096 for text in sent(server))


async def test_twenty_pieces_are_sent_and_more_are_not(server, notifier):
    assert 20 == (await report(notifier, texts(txt=paragraphs(20)))).messages

    failure = await failed(notifier, texts(txt=paragraphs(21)))

    assert (Kind.CONTENT, Reason.TOO_LARGE, None) == judged(failure)
    assert f"{FILE}: the text has 84,040 UTF-16 units, more than fit into 20 messages" == failure.text
    assert 20 == len(server.requests)


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (refused(429, retry_after=5), Kind.THROTTLED, Reason.RATE_LIMITED),
        (refused(500), Kind.TRANSIENT, Reason.SERVICE_ERROR),
        (refused(403, "bot was blocked"), Kind.RECIPIENT, Reason.BLOCKED),
        (refused(401), Kind.OUTAGE, Reason.BAD_TOKEN),
        (CUT, Kind.UNKNOWN, Reason.SERVICE_UNANSWERED),
    ],
)
async def test_what_was_taken_is_not_sent_again_by_the_next_attempt(server, notifier, answer, kind, reason):
    text = texts(txt=paragraphs(4))
    server.answer("sendMessage", agreed({"message_id": 1}), agreed({"message_id": 2}), answer)

    first = await failed(notifier, text)
    server.requests.clear()
    server.answer("sendMessage", agreed({"message_id": 3}), refused(502))
    second = await failed(notifier, text, pieces=first.pieces)
    server.requests.clear()
    last = await report(notifier, text, pieces=second.pieces)

    assert (kind, reason, 2) == (first.kind, first.reason, first.pieces)
    assert 3 == second.pieces
    assert ["03"] == begins(server)
    assert 1 == last.messages


async def test_a_failure_before_anything_was_taken_says_what_earlier_attempts_have_done(server, notifier):
    server.answer("sendMessage", refused(502))

    assert 2 == (await failed(notifier, texts(txt=paragraphs(4)), pieces=2)).pieces


async def test_an_outage_after_several_failures_in_a_row_keeps_the_pieces(server, notifier):
    server.answer("", refused(502), always=True)

    failures = [await failed(notifier, texts(txt=paragraphs(4)), pieces=2, message_id=f"{at}") for at in range(5)]

    assert [Kind.OUTAGE, 2] == [failures[-1].kind, failures[-1].pieces]


@pytest.mark.parametrize("pieces", [2, 3, 32_000])
async def test_of_more_pieces_than_there_are_nobody_is_believed_to_have_all(server, notifier, pieces):
    said = await report(notifier, texts(txt=paragraphs(2)), pieces=pieces)

    assert 2 == len(server.requests)
    assert "messages 101–102" == said.reference  # noqa: RUF001


async def test_interrupted_after_some_pieces_it_says_how_many(server, notifier):
    server.answer("sendMessage", agreed({"message_id": 1}), HANG)
    sending = asyncio.create_task(report(notifier, texts(txt=paragraphs(3)), pieces=0))
    await server.until(lambda: len(server.requests) == 2)

    sending.cancel()

    with pytest.raises(Failure) as caught:
        await sending
    assert (Kind.OUTAGE, Reason.INTERRUPTED, None) == judged(caught.value)
    assert 1 == caught.value.pieces


async def test_interrupted_before_any_piece_was_taken_it_is_as_if_nothing_was(server, notifier):
    server.answer("sendMessage", HANG)
    sending = asyncio.create_task(report(notifier, texts(txt=paragraphs(3)), pieces=1))
    await server.until(lambda: len(server.requests) == 1)

    sending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_a_connection_whose_answer_nobody_waited_for_is_not_used_again(server, notifier):
    server.answer("sendMessage", Answer(500, {"ok": False}, pause=0.3))
    sending = asyncio.create_task(report(notifier))
    await server.until(lambda: len(server.requests) == 1)
    sending.cancel()
    await asyncio.wait([sending])

    assert "message 101" == (await report(notifier)).reference


async def test_each_piece_of_markup_is_markup(server, notifier):
    html = (
        "<blockquote expandable><b>"
        + "word &amp; <i>word</i>\n" * 1000
        + '</b></blockquote><a href="https://x.org">x</a>'
    )

    said = await report(notifier, texts(html=html))

    seen = [parse_html(text)[0] for text in sent(server)]
    assert said.messages == len(seen) > 2
    assert {"HTML"} == set(sent(server, "parse_mode"))
    assert parse_html(html)[0].split() == " ".join(seen).split()
    assert all(units(text) <= 4096 for text in seen)


async def test_long_markdown_is_sent_in_pieces_of_html(server, notifier):
    await report(notifier, texts(md="*" + "bold \\& _both_\n" * 600 + "*"))

    assert {"HTML"} == set(sent(server, "parse_mode"))
    assert all(text.startswith("<b>") and text.endswith("</b>") for text in sent(server))


async def test_one_piece_whose_markup_is_refused_is_sent_as_it_reads(server, notifier):
    server.answer("sendMessage", agreed({"message_id": 1}), refused(400, "can't parse entities: x"))

    said = await report(
        notifier, texts(html=f"<b>{paragraphs(3, '&amp;', 802)}</b>".replace("&amp;", "&amp;xyzx"), txt="T")
    )

    assert ["HTML", "HTML", None, "HTML"][: len(sent(server))] == sent(server, "parse_mode")
    assert parse_html(sent(server)[1])[0] == sent(server)[2]
    assert FILE in said.remark


async def test_markup_that_is_refused_in_each_piece_is_told_once(server, notifier):
    server.default = lambda request: (
        refused(400, f"can't parse entities: at {len(server.requests)}")
        if "parse_mode" in request.fields
        else agreed({"message_id": len(server.requests)})
    )

    said = await report(notifier, texts(html=f"<b>{paragraphs(3)}</b>"))

    assert ["HTML", None] * 3 == sent(server, "parse_mode")
    assert "messages 2, 4, 6" == said.reference
    assert 1 == said.remark.count("plain text")


async def test_a_short_text_is_the_caption_of_the_file(server, notifier):
    said = await report(notifier, texts(html="<b>Hello</b>"), photo=PICTURE, buttons=BUTTONS, silent=True)

    assert Report(reference="message 101") == said
    (request,) = server.requests
    assert request.path.endswith("/sendPhoto")
    assert ("<b>Hello</b>", "HTML", "true") == tuple(
        request.fields[name] for name in ("caption", "parse_mode", "disable_notification")
    )
    assert "Open" in request.fields["reply_markup"]


async def test_a_text_too_long_for_a_caption_follows_the_file(server, notifier):
    said = await report(notifier, texts(html="<b>" + "x" * 1025 + "</b>"), document=PICTURE, buttons=BUTTONS)

    assert Report(reference="messages 101\u2013102", messages=2) == said
    assert ["sendDocument", "sendMessage"] == methods(server)
    assert [None, None] == sent(server, "caption")
    assert [False, True] == [keyboard is not None for keyboard in sent(server, "reply_markup")]


async def test_a_caption_of_just_the_length_is_one(server, notifier):
    await report(notifier, texts(html="<b>" + "👍" * 512 + "</b>"), photo="https://example.org/a.png")

    assert ["sendPhoto"] == methods(server)


async def test_the_file_counts_as_a_piece(server, notifier):
    text = texts(txt=paragraphs(2))
    server.answer("sendMessage", refused(500))

    failure = await failed(notifier, text, photo=PICTURE)
    server.requests.clear()
    said = await report(notifier, text, photo=PICTURE, pieces=failure.pieces)

    assert 1 == failure.pieces
    assert ["00", "01"] == begins(server)
    assert 2 == said.messages


async def test_a_caption_whose_markup_is_refused_is_sent_as_it_reads(server, notifier):
    server.answer("sendPhoto", refused(400, "Bad Request: can't parse entities: x"))

    said = await report(notifier, texts(html="<b>Hello</b>", txt="t" * 1025), photo=PICTURE)

    assert ["<b>Hello</b>", "Hello"] == sent(server, "caption")
    assert ["dot.png", "dot.png"] == [request.files["photo"].filename for request in server.requests]
    assert "plain text" in said.remark


async def test_a_group_that_moves_between_two_pieces_gets_the_rest_where_it_is(server, notifier):
    server.answer("sendMessage", agreed({"message_id": 1}), refused(400, "upgraded", migrate_to_chat_id=-2))

    said = await report(notifier, texts(txt=paragraphs(3)), to=-1)

    assert ["-1", "-1", "-2", "-2"] == sent(server, "chat_id")
    assert 3 == said.messages
    assert "chat -1 has become chat -2: name it so from now on" == said.remark


async def test_a_large_text_does_not_hold_the_event_loop(server, notifier):
    asked = notification(document={"filename": "a", "content": base64.b64encode(bytes(8_000_000)).decode()})
    worst, last, running = 0.0, asyncio.get_running_loop().time(), True

    async def watch():
        nonlocal worst, last
        while running:
            await asyncio.sleep(0)
            now = asyncio.get_running_loop().time()
            worst, last = max(worst, now - last), now

    begun = last
    watching = asyncio.create_task(watch())
    rendered = texts(html="<b>word</b> &amp; " * 40_000)
    failure = await asyncio.gather(
        notifier.send("id-1", asked, asked.parts()[0], rendered, Ledger()), return_exceptions=True
    )
    running = False
    await watching

    assert Reason.TOO_LARGE is failure[0].reason
    assert worst < (last - begun) / 3
