"""One part, one attempt, against a server that is Slack: what is asked for, and what is told of it."""

import asyncio
from datetime import timedelta

import pytest

from dispatcher.notifiers.base import Report
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.rates import Destination, Rate
from tests.http_server import CUT, HANG, Answer, HttpServer
from tests.notifiers.slack.examples import (
    PATHS,
    POSTED,
    TOKEN,
    TS,
    failure,
    notification,
    refusal,
    report,
    settings,
    slack,
    texts,
)

BLOCKS = [{"type": "header", "text": {"type": "plain_text", "text": "Build failed"}}]


class TestAConversation:
    async def test_gets_the_message_by_the_bot(self, server, notifier):
        sent = await report(notifier, to="C024", rendered=texts(md="*hello*"))

        (request,) = server.requests
        assert ("POST", "/api/chat.postMessage") == (request.method, request.path)
        assert f"Bearer {TOKEN}" == request.headers["authorization"]
        assert request.json == {
            "channel": "C024",
            "text": "*hello*",
            "unfurl_links": True,
            "unfurl_media": True,
            "metadata": {"event_type": "dispatcher_notification", "event_payload": {"id": "id-1"}},
        }
        assert Report(reference=f"C024 {TS}") == sent

    @pytest.mark.parametrize("address", ["C024BE91L", "#general", "U024BE7LH", "D024", "G024", "#büro"])
    async def test_is_an_id_or_a_name(self, server, notifier, address):
        await report(notifier, to=address)

        assert address == server.requests[0].json["channel"]

    async def test_gets_blocks_with_a_text_beside_them(self, server, notifier):
        await report(notifier, rendered=texts(json=BLOCKS))

        assert BLOCKS == server.requests[0].json["blocks"]
        assert "Build failed" == server.requests[0].json["text"]

    async def test_the_text_beside_the_blocks_is_that_of_the_md_template(self, server, notifier):
        await report(notifier, rendered=texts(json={"blocks": BLOCKS, "text": "in the JSON"}, md="in the md"))

        assert "in the md" == server.requests[0].json["text"]

    async def test_or_that_of_the_json(self, server, notifier):
        await report(notifier, rendered=texts(json={"blocks": BLOCKS, "text": "in the JSON"}))

        assert "in the JSON" == server.requests[0].json["text"]

    @pytest.mark.parametrize("beside", [{"md": " \n"}, {"md": "\u2060"}])
    async def test_or_that_of_the_blocks_where_it_says_nothing(self, server, notifier, beside):
        await report(notifier, rendered=texts(json={"blocks": BLOCKS, "text": " "}, **beside))

        assert "Build failed" == server.requests[0].json["text"]

    @pytest.mark.parametrize(
        "rendered",
        [
            {"md": " \n"},
            {"md": "\u2060"},
            {"json": []},
            {"json": [{"type": "divider"}], "md": ""},
            {"json": [], "md": " "},
        ],
    )
    async def test_gets_nothing_where_there_is_nothing_to_be_shown(self, server, notifier, rendered):
        refused = await failure(notifier, rendered=texts(**rendered))

        assert (Kind.CONTENT, Reason.NO_TEXT) == (refused.kind, refused.reason)
        assert f"slack/hello.{next(iter(rendered))}.jinja2: nothing is left to be shown" == refused.text
        assert [] == server.requests

    async def test_gets_no_blocks_where_there_are_none(self, server, notifier):
        await report(notifier, rendered=texts(json=[], md="hello"))

        assert "blocks" not in server.requests[0].json

    async def test_gets_it_in_the_thread(self, server, notifier):
        await report(notifier, thread=TS)

        assert TS == server.requests[0].json["thread_ts"]

    @pytest.mark.parametrize(
        ("of_the_message", "of_the_settings", "expected"),
        [(None, True, True), (None, False, False), (True, False, True), (False, True, False)],
    )
    async def test_gets_previews_of_links_as_is_asked_for(
        self, server, notifier_for, of_the_message, of_the_settings, expected
    ):
        notifier = notifier_for(server, link_preview=of_the_settings)
        for to in ("C024", "webhook:ops"):
            await report(notifier, to=to, link_preview=of_the_message)

        for request in server.requests:
            assert (expected, expected) == (request.json["unfurl_links"], request.json["unfurl_media"])

    async def test_that_was_served_is_not_served_again(self, server, notifier):
        assert Report() == await report(notifier, done={0})
        assert [] == server.requests

    async def test_every_one_of_several_is_served_by_itself(self, server, notifier):
        for at in range(2):
            await report(notifier, to=["C1", "C2"], at=at)

        assert ["C1", "C2"] == [request.json["channel"] for request in server.requests]

    @pytest.mark.parametrize("text", ["a\ud83d", "\udc00 b", "\ud83d\ude00"])
    async def test_gets_texts_with_halves_of_characters_mended(self, server, notifier, text):
        rendered = texts(json=[{"type": "section", "text": {"type": "mrkdwn", "text": text}}], md=text)

        await report(notifier, rendered=rendered)

        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        assert whole == server.requests[0].json["text"]
        assert whole == server.requests[0].json["blocks"][0]["text"]["text"]

    @pytest.mark.parametrize(
        ("answer", "reference"),
        [
            ({"ok": True}, None),
            ({"ok": True, "channel": "C1"}, "C1"),
            ({"ok": True, "channel": ["C1"], "ts": "\x1b[31m\n1"}, "['C1'] \ufffd[31m 1"),
        ],
    )
    async def test_whatever_the_answer_calls_it_is_harmless(self, server, notifier, answer, reference):
        server.answer("chat.postMessage", Answer(200, answer))

        assert reference == (await report(notifier)).reference

    @pytest.mark.parametrize(
        "warnings",
        [
            {"warning": "message_truncated"},
            {"response_metadata": {"warnings": ["message_truncated"]}},
            {
                "warning": "superfluous_charset,message_truncated",
                "response_metadata": {"warnings": ["superfluous_charset", "message_truncated", 3]},
            },
        ],
    )
    async def test_warnings_are_told(self, server, notifier, warnings):
        server.answer("chat.postMessage", Answer(200, {**POSTED.body, **warnings}))

        assert "Slack warns: message_truncated" == (await report(notifier)).remark

    async def test_warnings_about_how_the_library_speaks_are_not(self, server, notifier):
        server.answer("chat.postMessage", Answer(200, {**POSTED.body, "warning": "missing_charset"}))

        assert None is (await report(notifier)).remark


class TestAWebhook:
    async def test_gets_the_message_at_its_own_address(self, server, notifier):
        sent = await report(notifier, to="webhook:alerts", rendered=texts(json=BLOCKS), thread=TS)

        (request,) = server.requests
        assert ("POST", PATHS["alerts"]) == (request.method, request.path)
        assert "authorization" not in request.headers
        assert request.json == {
            "text": "Build failed",
            "blocks": BLOCKS,
            "thread_ts": TS,
            "unfurl_links": True,
            "unfurl_media": True,
        }
        assert Report(reference="alerts") == sent

    async def test_needs_no_token(self, server, notifier_for):
        await report(notifier_for(server, token=None), to="webhook:ops")

        assert [PATHS["ops"]] == server.paths

    @pytest.mark.parametrize("address", ["webhook:Alerts", "Webhook:ALERTS"])
    async def test_is_known_in_capitals_too(self, server, notifier, address):
        await report(notifier, to=address)

        assert [PATHS["alerts"]] == server.paths

    @pytest.mark.parametrize("name", ["nobody", "", " alerts", "https://hooks.slack.com/services/T/B/key"])
    async def test_that_is_not_in_the_settings_is_refused_with_those_that_are(self, server, notifier, name):
        refused = await failure(notifier, to=f"webhook:{name}")

        assert (Kind.RECIPIENT, Reason.NO_SUCH_WEBHOOK) == (refused.kind, refused.reason)
        assert "webhook:alerts, webhook:ops" in refused.text
        assert "hooks.slack.com" not in refused.text
        assert [] == server.requests


class TestAnAddress:
    @pytest.mark.parametrize(
        "address", [" ", "C 1", "C1\n", "C1\x00", "a\u200bb", "https://hooks.slack.com/x", "c" * 300]
    )
    async def test_that_is_none_is_refused(self, server, notifier, address):
        refused = await failure(notifier, to=address)

        assert (Kind.RECIPIENT, Reason.BAD_ADDRESS) == (refused.kind, refused.reason)
        assert "hooks.slack.com" not in refused.text
        assert [] == server.requests

    async def test_of_a_conversation_is_refused_where_there_is_no_token(self, server, notifier_for):
        refused = await failure(notifier_for(server, token=None), to="#general")

        assert (Kind.RECIPIENT, Reason.NO_TOKEN) == (refused.kind, refused.reason)
        expected = (
            "conversation #general: the settings have no token; without one there are only webhook:alerts, webhook:ops"
        )
        assert expected == refused.text
        assert [] == server.requests

    async def test_that_is_wrong_is_said_before_the_text_is(self, notifier):
        assert Reason.BAD_ADDRESS is (await failure(notifier, to=" ", rendered=texts(md=""))).reason


class TestAThread:
    @pytest.mark.parametrize(
        "word",
        [
            "thread_not_found",
            "invalid_thread_ts",
            "message_not_found",
            "cannot_reply_to_message",
            "restricted_action_non_threadable_channel",
        ],
    )
    @pytest.mark.parametrize("to", ["C024", "webhook:ops"])
    async def test_that_is_gone_is_left_aside(self, server, notifier, word, to):
        server.answer("", refusal(word) if to == "C024" else Answer(400, word))

        sent = await report(notifier, to=to, thread=TS)

        with_thread, without = [request.json for request in server.requests]
        assert {**without, "thread_ts": TS} == with_thread
        assert f"sent outside of the thread {TS} ({word})" == sent.remark
        assert sent.reference

    async def test_is_left_aside_only_once(self, server, notifier):
        server.answer("", refusal("thread_not_found"), always=True)

        refused = await failure(notifier, thread=TS)

        assert (Kind.RECIPIENT, Reason.CHAT_NOT_FOUND) == (refused.kind, refused.reason)
        assert 2 == len(server.requests)

    async def test_nobody_asked_for_is_not_left_aside(self, server, notifier):
        server.answer("", refusal("thread_not_found"))

        assert Reason.CHAT_NOT_FOUND is (await failure(notifier)).reason
        assert 1 == len(server.requests)

    async def test_the_second_answer_counts(self, server, notifier):
        server.answer("", refusal("thread_not_found"), refusal("is_archived"))

        assert Reason.ARCHIVED is (await failure(notifier, thread=TS)).reason

    async def test_warnings_are_told_besides(self, server, notifier):
        truncated = Answer(200, {**POSTED.body, "warning": "message_truncated"})
        server.answer("", refusal("thread_not_found"), truncated)

        remark = (await report(notifier, thread=TS)).remark

        assert f"sent outside of the thread {TS} (thread_not_found); Slack warns: message_truncated" == remark


class TestPaces:
    SECOND = Rate(1, timedelta(seconds=1))

    @pytest.mark.parametrize(
        ("address", "name"),
        [("C024", "conversation C024"), ("webhook:Alerts", "webhook alerts"), ("#general", "conversation #general")],
    )
    async def test_each_conversation_has_its_own(self, server, notifier, address, name):
        (part,) = notification(to=address).parts()

        assert [Destination(name, (self.SECOND,))] == list(notifier.destinations(part, frozenset()))

    @pytest.mark.parametrize(("address", "done"), [("C024", {0}), ("webhook:none", {}), (" ", {})])
    async def test_nobody_waits_for_who_gets_nothing(self, notifier, address, done):
        (part,) = notification(to=address).parts()

        assert [] == list(notifier.destinations(part, frozenset(done)))

    async def test_they_can_be_none_and_the_workspace_can_have_one(self, server, notifier_for):
        notifier = notifier_for(server, pace={"conversation": "none", "workspace": "30/m"})

        assert [] == list(notifier.destinations(notification().parts()[0], frozenset()))
        assert [Rate(30, timedelta(minutes=1))] == list(notifier.rates)

    async def test_the_workspace_has_none_by_default(self, notifier):
        assert [] == list(notifier.rates)


class TestChecking:
    async def test_says_who_the_bot_is_and_what_was_not_tried(self, server, notifier):
        assert "dispatcher at Acme, webhooks alerts, ops (not tried)" == await notifier.check()
        assert ["/api/auth.test"] == server.paths

    async def test_leaves_words_alone_that_an_address_has_too(self, server, notifier_for):
        notifier = notifier_for(server, webhooks={"a": f"{server.url}/a"})

        assert "dispatcher at Acme, webhooks a (not tried)" == await notifier.check()

    async def test_without_webhooks(self, server, notifier_for):
        assert "dispatcher at Acme" == await notifier_for(server, webhooks={}).check()

    async def test_with_webhooks_only_knocks_at_their_server(self, server, notifier_for):
        server.answer("", Answer(404, "what?"), always=True)

        assert "webhooks alerts, ops (not tried)" == await notifier_for(server, token=None).check()
        assert [("GET", "/")] == [(request.method, request.path) for request in server.requests]

    async def test_with_webhooks_only_fails_where_no_server_of_theirs_is_there(self, server, notifier_for):
        notifier = notifier_for(server, token=None)
        some = {"a": server.url + "/services/T0/B0/key", "b": "http://127.0.0.1:1/services/T0/B0/key"}
        await notifier_for(server, token=None, webhooks=some).check()
        await server.stop()

        with pytest.raises(Failure, match="nothing was sent") as caught:
            await notifier.check()
        assert (Kind.OUTAGE, Reason.SERVICE_UNREACHABLE) == (caught.value.kind, caught.value.reason)

    async def test_fails_as_sending_would(self, server, notifier):
        server.answer("auth.test", refusal("invalid_auth"))

        with pytest.raises(Exception, match=r"auth\.test: Slack does not accept our token \(invalid_auth\)") as caught:
            await notifier.check()
        assert (Kind.OUTAGE, Reason.BAD_TOKEN) == (caught.value.kind, caught.value.reason)


class TestConnections:
    async def test_are_kept_open(self, server, notifier):
        for to in ("C1", "webhook:ops", "C2"):
            await report(notifier, to=to)

        assert 1 == server.connections

    async def test_are_at_most_as_many_as_the_settings_say(self, server, notifier_for):
        notifier = notifier_for(server, connections=2, timeouts={"connect": "20ms"})
        server.answer("", *[Answer(200, POSTED.body, pause=0.05)] * 10)

        await asyncio.gather(*(report(notifier) for _ in range(10)))

        assert (10, 2) == (len(server.requests), server.peak)

    async def test_are_enough_for_many_requests_side_by_side_and_kept_for_the_next_ones(self, server, notifier):
        server.answer("", Answer(200, POSTED.body, pause=0.1), always=True)

        for _ in range(2):
            await asyncio.gather(*(report(notifier, to=f"C{number}") for number in range(60)))

        assert 120 == len(server.requests)
        assert 30 == server.peak == server.connections

    async def test_are_closed_at_the_end(self, server, notifier):
        await report(notifier)
        await notifier.close()

        await server.until(lambda: server.open == 0)

    async def test_are_made_no_more_after_the_end(self, server, notifier):
        await notifier.close()

        refused = await failure(notifier)

        assert (Kind.OUTAGE, Reason.INTERRUPTED) == (refused.kind, refused.reason)
        assert 0 == server.connections

    async def test_carry_tls_that_is_checked(self, certificates, notifier_for):
        import ssl

        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificates.cert, certificates.key)
        async with HttpServer(slack, tls=tls) as server:
            trusting = notifier_for(server, ca_file=str(certificates.ca))
            careless = notifier_for(server, verify_certificate=False)
            for to in ("C024", "webhook:ops"):
                await report(trusting, to=to)
                await report(careless, to=to)
                refused = await failure(notifier_for(server), to=to)

                assert (Kind.OUTAGE, Reason.SERVICE_UNREACHABLE) == (refused.kind, refused.reason)
                assert "TLS failed: unable to get local issuer certificate" in refused.text
            assert 4 == len(server.requests)

    async def test_go_through_the_proxy_of_the_environment(self, server, notifier_for, monkeypatch):
        async with HttpServer(slack) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            by_proxy = notifier_for(server)
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            for notifier in (by_proxy, notifier_for(server)):
                for to in ("C024", "webhook:ops"):
                    await report(notifier, to=to)

        assert (2, 2) == (len(proxy.requests), len(server.requests))

    async def test_care_for_no_login_in_the_home_folder(self, server, notifier, monkeypatch, tmp_path):
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password secret\n")
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))

        await report(notifier)

        assert f"Bearer {TOKEN}" == server.requests[0].headers["authorization"]


class TestBeingInterrupted:
    async def test_passes_through(self, server, notifier):
        server.answer("", HANG)
        sending = asyncio.create_task(report(notifier))
        await server.until(lambda: len(server.requests) == 1)

        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

        await report(notifier)  # the desk is free again
        assert 2 == len(server.requests)

    async def test_passes_through_while_waiting_for_a_connection(self, server, notifier_for):
        notifier = notifier_for(server, connections=1)
        server.answer("", HANG)
        first = asyncio.create_task(report(notifier))
        await server.until(lambda: len(server.requests) == 1)
        second = asyncio.create_task(report(notifier))
        await asyncio.sleep(0)

        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert 1 == len(server.requests)


async def test_nothing_is_sent_twice_by_the_library(server, notifier):
    server.answer("", CUT, Answer(429, "", {"Retry-After": "1"}), Answer(500, "<html>"))

    for to in ("C1", "webhook:ops", "C2"):
        await failure(notifier, to=to)

    assert 3 == len(server.requests)


async def test_a_certificate_that_is_none_is_said_at_the_start(server, tmp_path, notifier_for):
    (tmp_path / "ca.pem").write_text("nothing")

    with pytest.raises(Exception, match=r"ca\.pem cannot be used"):
        notifier_for(server, api_url="https://slack.example/api", ca_file=str(tmp_path / "ca.pem"))


async def test_nothing_is_connected_before_something_is_sent(server, notifier):
    assert 0 == server.connections
    assert settings(server).off is None
