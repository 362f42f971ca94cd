"""The tables of answers, each row of them through the notifier: what it means, and how it is said."""

from contextlib import suppress
from datetime import timedelta

import pytest

from dispatcher.notifiers.slack import answers
from dispatcher.words.errors import Failure, Kind, Reason
from tests.http_server import Answer
from tests.notifiers.slack.examples import POSTED, failure, refusal, report

HALF_A_MINUTE, AN_HOUR = timedelta(seconds=30), timedelta(hours=1)
TRANSIENT, THROTTLED, RECIPIENT = Kind.TRANSIENT, Kind.THROTTLED, Kind.RECIPIENT
CONTENT, UNKNOWN, OUTAGE = Kind.CONTENT, Kind.UNKNOWN, Kind.OUTAGE

WORDS = {
    "ratelimited": (THROTTLED, Reason.RATE_LIMITED, HALF_A_MINUTE),
    "rate_limited": (THROTTLED, Reason.RATE_LIMITED, HALF_A_MINUTE),
    "message_limit_exceeded": (THROTTLED, Reason.RATE_LIMITED, AN_HOUR),
    "invalid_auth": (OUTAGE, Reason.BAD_TOKEN, None),
    "not_authed": (OUTAGE, Reason.BAD_TOKEN, None),
    "account_inactive": (OUTAGE, Reason.BAD_TOKEN, None),
    "token_revoked": (OUTAGE, Reason.BAD_TOKEN, None),
    "token_expired": (OUTAGE, Reason.BAD_TOKEN, None),
    "not_allowed_token_type": (OUTAGE, Reason.BAD_TOKEN, None),
    "two_factor_setup_required": (OUTAGE, Reason.BAD_TOKEN, None),
    "enterprise_is_restricted": (OUTAGE, Reason.BAD_TOKEN, None),
    "accesslimited": (OUTAGE, Reason.BAD_TOKEN, None),
    "missing_scope": (OUTAGE, Reason.MISSING_SCOPE, None),
    "channel_not_found": (RECIPIENT, Reason.CHAT_NOT_FOUND, None),
    "user_not_found": (RECIPIENT, Reason.CHAT_NOT_FOUND, None),
    "is_archived": (RECIPIENT, Reason.ARCHIVED, None),
    "not_in_channel": (RECIPIENT, Reason.NO_RIGHTS, None),
    "user_disabled": (RECIPIENT, Reason.DEACTIVATED, None),
    "cannot_dm_bot": (RECIPIENT, Reason.NO_RIGHTS, None),
    "messages_tab_disabled": (RECIPIENT, Reason.NO_RIGHTS, None),
    "msg_too_long": (CONTENT, Reason.TOO_LARGE, None),
    "msg_blocks_too_long": (CONTENT, Reason.TOO_LARGE, None),
    "no_text": (CONTENT, Reason.NO_TEXT, None),
    "invalid_blocks": (CONTENT, Reason.BAD_BLOCKS, None),
    "invalid_blocks_format": (CONTENT, Reason.BAD_BLOCKS, None),
    "invalid_attachments": (CONTENT, Reason.CONTENT_REFUSED, None),
    "too_many_attachments": (CONTENT, Reason.CONTENT_REFUSED, None),
    "attachment_payload_limit_exceeded": (CONTENT, Reason.CONTENT_REFUSED, None),
    "markdown_text_conflict": (CONTENT, Reason.CONTENT_REFUSED, None),
    "invalid_arguments": (CONTENT, Reason.CONTENT_REFUSED, None),
    "invalid_metadata_schema": (CONTENT, Reason.CONTENT_REFUSED, None),
    "invalid_metadata_format": (CONTENT, Reason.CONTENT_REFUSED, None),
    "metadata_too_large": (CONTENT, Reason.CONTENT_REFUSED, None),
    "invalid_thread_ts": (RECIPIENT, Reason.CHAT_NOT_FOUND, None),
    "thread_not_found": (RECIPIENT, Reason.CHAT_NOT_FOUND, None),
    "message_not_found": (RECIPIENT, Reason.CHAT_NOT_FOUND, None),
    "cannot_reply_to_message": (RECIPIENT, Reason.CHAT_NOT_FOUND, None),
    "restricted_action_non_threadable_channel": (RECIPIENT, Reason.CHAT_NOT_FOUND, None),
    "internal_error": (TRANSIENT, Reason.SERVICE_ERROR, None),
    "service_unavailable": (TRANSIENT, Reason.SERVICE_ERROR, None),
    "request_timeout": (TRANSIENT, Reason.SERVICE_ERROR, None),
    "fatal_error": (UNKNOWN, Reason.SERVICE_UNANSWERED, None),
    "no_permission": (RECIPIENT, Reason.NO_RIGHTS, None),
    "ekm_access_denied": (RECIPIENT, Reason.NO_RIGHTS, None),
    "team_access_not_granted": (RECIPIENT, Reason.NO_RIGHTS, None),
    "access_denied": (RECIPIENT, Reason.NO_RIGHTS, None),
}
"""What every word of the Web API is to mean; a row more or less in the table makes a test fail."""

ALIKE = {
    "restricted_action": (RECIPIENT, Reason.NO_RIGHTS, None),
    "restricted_action_read_only_channel": (RECIPIENT, Reason.NO_RIGHTS, None),
    "restricted_action_thread_only_channel": (RECIPIENT, Reason.NO_RIGHTS, None),
    "restricted_action_that_is_new": (RECIPIENT, Reason.NO_RIGHTS, None),
    "a_word_that_is_new": (TRANSIENT, Reason.SERVICE_ERROR, None),
}
"""Words that are in no table."""

WEBHOOK_WORDS = {
    "no_service": (404, RECIPIENT, Reason.NO_SUCH_WEBHOOK),
    "no_service_id": (404, RECIPIENT, Reason.NO_SUCH_WEBHOOK),
    "no_active_hooks": (404, RECIPIENT, Reason.NO_SUCH_WEBHOOK),
    "no_team": (404, RECIPIENT, Reason.NO_SUCH_WEBHOOK),
    "team_disabled": (403, RECIPIENT, Reason.NO_SUCH_WEBHOOK),
    "invalid_token": (403, RECIPIENT, Reason.NO_SUCH_WEBHOOK),
    "channel_is_archived": (410, RECIPIENT, Reason.ARCHIVED),
    "action_prohibited": (403, RECIPIENT, Reason.NO_RIGHTS),
    "posting_to_general_channel_denied": (403, RECIPIENT, Reason.NO_RIGHTS),
    "invalid_payload": (400, CONTENT, Reason.CONTENT_REFUSED),
    "missing_text_or_fallback_or_attachments": (400, CONTENT, Reason.NO_TEXT),
    "rollup_error": (500, TRANSIENT, Reason.SERVICE_ERROR),
}
"""What every word that only webhooks have is to mean."""

SHARED_WORDS = {
    "no_text": (400, CONTENT, Reason.NO_TEXT),
    "too_many_attachments": (400, CONTENT, Reason.CONTENT_REFUSED),
    "invalid_blocks": (400, CONTENT, Reason.BAD_BLOCKS),
    "channel_not_found": (404, RECIPIENT, Reason.CHAT_NOT_FOUND),
    "user_not_found": (400, RECIPIENT, Reason.CHAT_NOT_FOUND),
    "no_permission": (403, RECIPIENT, Reason.NO_RIGHTS),
    "restricted_action_read_only_channel": (403, RECIPIENT, Reason.NO_RIGHTS),
    "token_revoked": (403, RECIPIENT, Reason.NO_SUCH_WEBHOOK),
    "account_inactive": (403, RECIPIENT, Reason.NO_SUCH_WEBHOOK),
    "internal_error": (500, TRANSIENT, Reason.SERVICE_ERROR),
    "something_new": (400, TRANSIENT, Reason.SERVICE_ERROR),
}
"""What some of the others mean when a webhook says them: none of them stops the queue."""


def test_no_row_goes_without_a_test():
    assert set(WORDS) == {word for row in answers.API for word in row.words}
    assert set(WEBHOOK_WORDS) == {word for row in answers.WEBHOOK for word in row.words}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("word", [*WORDS, *ALIKE])
async def test_what_the_web_api_says(server, notifier, word, status):
    server.answer("chat.postMessage", Answer(status, {"ok": False, "error": word}))

    refused = await failure(notifier)

    assert (WORDS | ALIKE)[word] == (refused.kind, refused.reason, refused.wait)
    assert refused.text.startswith("conversation C024: ")
    assert refused.text.endswith(f" ({word})")
    assert 1 == len(server.requests)


@pytest.mark.parametrize("word", [*WEBHOOK_WORDS, *SHARED_WORDS])
async def test_what_webhooks_say(server, notifier, word):
    status, kind, reason = (WEBHOOK_WORDS | SHARED_WORDS)[word]
    server.answer("/services", Answer(status, f"{word}\n"))

    refused = await failure(notifier, to="webhook:alerts")

    assert (kind, reason) == (refused.kind, refused.reason)
    assert refused.text.startswith("webhook alerts: ")
    assert refused.text.endswith(f" ({word})")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, "<html>busy</html>"),
        Answer(200, "plain", {"Content-Type": "text/plain"}),
        Answer(200, b'{"ok": tru', {"Content-Type": "application/json"}),
        Answer(200, b"\xff\xfe", {"Content-Type": "application/json"}),
        Answer(200, b"\xff\xfe", {"Content-Type": "text/plain; charset=utf-8"}),
        Answer(200, b"", {"Content-Type": "application/json"}),
        Answer(200, b""),
        Answer(200, []),
        Answer(200, [1]),
        Answer(200, "null", {"Content-Type": "application/json"}),
        Answer(200, "3", {"Content-Type": "application/json"}),
        Answer(200, {}),
        Answer(200, {"ok": "yes"}),
        Answer(200, {"ok": False}),
        Answer(200, {"ok": False, "error": ["x"]}),
        Answer(200, {"ok": False, "error": "a sentence, and <b>HTML</b>"}),
        Answer(200, {"ok": False, "error": "x" * 100}),
        Answer(200, b"x", {"Content-Type": "application/gzip"}),
        Answer(204, b""),
        Answer(404, "<html>no such page</html>"),
        Answer(403, "forbidden", {"Content-Type": "text/plain"}),
        Answer(500, "<html>Internal Server Error</html>"),
        Answer(500, {"ok": False, "error": "a_word_that_is_new"}),
        Answer(502, b""),
        Answer(503, b"{", {"Content-Type": "application/json"}),
        Answer(504, "upstream", {"Content-Type": "text/plain"}),
        Answer(201, {"ok": True, "channel": "C024"}),
        Answer(302, b"", {"Location": "/elsewhere"}),
        Answer(307, b"", {"Location": "http://127.0.0.1:1/"}),
        Answer(301, b"", {"Location": "gopher://x"}),
    ],
    ids=lambda answer: f"{answer.status} {answer.body!s:.20}",
)
@pytest.mark.parametrize("to", ["C024", "webhook:alerts"])
async def test_what_is_none_of_slacks_answers_is_tried_again(server, notifier, answer, to):
    server.answer("", answer)

    refused = await failure(notifier, to=to)

    assert (TRANSIENT, Reason.SERVICE_ERROR, None) == (refused.kind, refused.reason, refused.wait)
    assert 1 == len(server.requests)
    assert "<" not in refused.text
    await report(notifier)  # the connection, or another one, works again


class TestWaiting:
    @pytest.mark.parametrize(
        ("retry_after", "seconds"),
        [
            ("7", 7),
            (" 7 ", 7),
            ("0", 1),
            ("86400", 86_400),
            ("", 30),
            ("soon", 30),
            ("-5", 30),
            ("1.5", 30),
            ("٣", 30),
            ("99999999999999999999", 30),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 30),
            (None, 30),
        ],
    )
    @pytest.mark.parametrize("to", ["C024", "webhook:ops"])
    @pytest.mark.parametrize("body", ["", {"ok": False, "error": "ratelimited"}, "<html>slow</html>"])
    async def test_is_as_long_as_slack_asks(self, server, notifier, retry_after, seconds, to, body):
        headers = {} if retry_after is None else {"Retry-After": retry_after.encode().decode("latin-1")}
        server.answer("", Answer(429, body, headers))

        refused = await failure(notifier, to=to)

        assert (THROTTLED, Reason.RATE_LIMITED) == (refused.kind, refused.reason)
        assert timedelta(seconds=seconds) == refused.wait

    async def test_is_an_hour_where_the_workspace_is_full(self, server, notifier):
        server.answer("", Answer(429, {"ok": False, "error": "message_limit_exceeded"}))

        assert AN_HOUR == (await failure(notifier)).wait

    async def test_is_what_the_header_says_whatever_the_status(self, server, notifier):
        server.answer("", Answer(200, {"ok": False, "error": "ratelimited"}, {"Retry-After": "3"}))

        assert timedelta(seconds=3) == (await failure(notifier)).wait

    async def test_too_many_requests_count_more_than_any_word(self, server, notifier):
        server.answer("", Answer(429, {"ok": False, "error": "invalid_auth"}))

        assert THROTTLED is (await failure(notifier)).kind

    async def test_nobody_waits_who_was_not_asked_to(self, server, notifier):
        server.answer("", Answer(503, "", {"Retry-After": "60"}))

        assert (await failure(notifier)).wait is None


class TestDetails:
    async def test_of_blocks_say_where(self, server, notifier):
        told = ["[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]", 3]
        server.answer("", refusal("invalid_blocks", response_metadata={"messages": told}))

        said = "conversation C024: Slack does not take the blocks (invalid_blocks): [ERROR] must be less than 151 "
        assert f"{said}characters [json-pointer:/blocks/0/text/text]" == (await failure(notifier)).text

    async def test_of_a_scope_name_it(self, server, notifier):
        server.answer("", refusal("missing_scope", needed="chat:write,chat:write.public", provided="chat:read"))

        said = "conversation C024: the token lacks a scope (missing_scope): it needs chat:write,chat:write.public"
        assert said == (await failure(notifier)).text

    @pytest.mark.parametrize(
        "odd",
        [
            {"response_metadata": []},
            {"response_metadata": {"messages": "x"}},
            {"needed": ["chat:write"]},
            {"needed": "<b>"},
            {"warning": 3, "response_metadata": {"warnings": {"a": 1}}},
        ],
    )
    async def test_that_are_odd_are_left_aside(self, server, notifier, odd):
        server.answer("", refusal("invalid_blocks", **odd))

        assert (await failure(notifier)).text.endswith("(invalid_blocks)")

    async def test_are_one_short_line(self, server, notifier):
        server.answer("", refusal("invalid_blocks", response_metadata={"messages": ["a\n\x1b[31mb", "x" * 1000] * 9}))

        text = (await failure(notifier)).text

        assert text.isprintable()
        assert len(text) < 500


class TestSeveralInARow:
    @pytest.mark.parametrize(
        "answer",
        [Answer(503, "<html>"), refusal("internal_error"), Answer(200, "<html>"), Answer(302, b"", {"Location": "/"})],
        ids=["503", "internal_error", "HTML", "redirect"],
    )
    async def test_errors_of_the_service_are_an_outage(self, server, notifier, answer):
        server.answer("", answer, always=True)

        failures = [await failure(notifier, message_id=f"id-{number}") for number in range(5)]

        assert [TRANSIENT] * 4 + [OUTAGE] == [failure.kind for failure in failures]
        assert {Reason.SERVICE_ERROR} == {failure.reason for failure in failures}
        assert "5 messages in a row" in failures[-1].text

    async def test_one_message_that_always_fails_is_none(self, server, notifier):
        server.answer("", refusal("internal_error"), always=True)

        assert {TRANSIENT} == {(await failure(notifier)).kind for _ in range(10)}

    @pytest.mark.parametrize("between", [POSTED, refusal("channel_not_found"), refusal("a_word_that_is_new")])
    async def test_an_answer_in_between_ends_it(self, server, notifier, between):
        server.answer("", *[refusal("internal_error")] * 4, between, *[refusal("internal_error")] * 4)
        before = [await failure(notifier, message_id=f"id-{number}") for number in range(4)]
        with suppress(Failure):
            await report(notifier, message_id="id-4")
        after = [await failure(notifier, message_id=f"id-{number}") for number in range(5, 9)]

        assert {TRANSIENT} == {one.kind for one in before + after}

    async def test_words_that_are_new_concern_their_message_only(self, server, notifier):
        server.answer("", refusal("a_word_that_is_new"), always=True)

        assert {TRANSIENT} == {(await failure(notifier, message_id=f"{number}")).kind for number in range(9)}


class TestOneInTrouble:
    """Five different messages in a row met an error of the service, all of them for one recipient."""

    @pytest.mark.parametrize("to", ["C024", "webhook:ops"])
    async def test_is_no_outage_while_slack_knows_who_we_are(self, server, notifier, to):
        server.answer("chat.postMessage", Answer(503), always=True)
        server.answer("/services", Answer(503), always=True)

        assert {TRANSIENT} == {(await failure(notifier, message_id=f"{number}", to=to)).kind for number in range(7)}

    async def test_is_no_outage_where_there_are_other_webhooks(self, server, notifier_for):
        notifier = notifier_for(server, token=None)
        server.answer("", Answer(503), always=True)

        kinds = [(await failure(notifier, message_id=f"{number}", to="webhook:ops")).kind for number in range(5)]
        another = await failure(notifier, message_id="another", to="webhook:alerts")

        assert ({TRANSIENT}, OUTAGE) == (set(kinds), another.kind)

    async def test_is_an_outage_where_there_is_no_other(self, server, notifier_for):
        notifier = notifier_for(server, token=None, webhooks={"ops": server.url + "/services/T0/B0/key"})
        server.answer("", Answer(503), always=True)

        kinds = [(await failure(notifier, message_id=f"{number}", to="webhook:ops")).kind for number in range(5)]

        assert [TRANSIENT] * 4 + [OUTAGE] == kinds

    async def test_ends_when_one_is_sent(self, server, notifier):
        server.answer("chat.postMessage", *[Answer(503)] * 5, POSTED, Answer(503))
        kinds = [(await failure(notifier, message_id=f"{number}", to=f"C{number}")).kind for number in range(5)]
        await report(notifier)

        assert (OUTAGE, TRANSIENT) == (kinds[-1], (await failure(notifier, message_id="after", to="C7")).kind)


class TestAWebhookThatCannotBeReached:
    ELSEWHERE = "http://127.0.0.1:1/services/T0/B0/elsewhere"

    async def test_is_its_own_trouble_while_slack_can_be(self, server, notifier_for):
        notifier = notifier_for(server, webhooks={"ops": self.ELSEWHERE})

        failed = await failure(notifier, to="webhook:ops")

        assert (TRANSIENT, Reason.SERVICE_UNREACHABLE) == (failed.kind, failed.reason)

    async def test_is_an_outage_where_slack_cannot_be_either(self, server, notifier_for):
        notifier = notifier_for(server, webhooks={"ops": self.ELSEWHERE})
        await server.stop()

        assert OUTAGE is (await failure(notifier, to="webhook:ops")).kind

    async def test_is_an_outage_where_there_is_no_other_server(self, server, notifier_for):
        notifier = notifier_for(server, token=None, webhooks={"ops": self.ELSEWHERE})

        assert OUTAGE is (await failure(notifier, to="webhook:ops")).kind

    async def test_without_a_token_is_its_own_trouble_while_others_are_elsewhere(self, server, notifier_for):
        webhooks = {"ops": self.ELSEWHERE, "alerts": server.url + "/services/T0/B0/key"}
        notifier = notifier_for(server, token=None, webhooks=webhooks)

        kinds = {(await failure(notifier, message_id=f"{number}", to="webhook:ops")).kind for number in range(6)}

        assert {TRANSIENT} == kinds


class TestRefusals:
    WORDS = ("no_permission", "ekm_access_denied", "team_access_not_granted", "access_denied")

    @pytest.mark.parametrize("word", WORDS)
    async def test_of_a_second_conversation_are_an_outage(self, server, notifier, word):
        server.answer("", refusal(word), always=True)

        first, again, second, third = [await failure(notifier, to=to) for to in ("C1", "C1", "C2", "C1")]

        assert [RECIPIENT, RECIPIENT, OUTAGE, OUTAGE] == [one.kind for one in (first, again, second, third)]
        assert {Reason.NO_RIGHTS} == {one.reason for one in (first, again, second, third)}
        assert "2 conversations in a row" in second.text

    async def test_are_forgotten_when_something_is_sent(self, server, notifier):
        server.answer("", refusal("no_permission"), POSTED, refusal("no_permission"))
        await failure(notifier, to="C1")
        await report(notifier, to="C2")

        assert RECIPIENT is (await failure(notifier, to="C3")).kind

    async def test_are_not_forgotten_for_other_failures(self, server, notifier):
        server.answer("", refusal("no_permission"), refusal("is_archived"), refusal("no_permission"))
        await failure(notifier, to="C1")
        await failure(notifier, to="C2")

        assert OUTAGE is (await failure(notifier, to="C3")).kind

    async def test_of_webhooks_concern_that_webhook_only(self, server, notifier):
        server.answer("", Answer(403, "no_permission"), always=True)

        assert {RECIPIENT} == {(await failure(notifier, to=f"webhook:{name}")).kind for name in ("ops", "alerts")}

    async def test_by_the_workspace_concern_that_conversation_only(self, server, notifier):
        server.answer("", refusal("restricted_action"), always=True)

        assert {RECIPIENT} == {(await failure(notifier, to=to)).kind for to in ("C1", "C2", "C3")}


async def test_a_message_that_is_too_large_for_the_server_is_told(server, notifier):
    server.answer("", Answer(413, "<html>Payload Too Large</html>"))

    assert (CONTENT, Reason.TOO_LARGE) == ((refused := await failure(notifier)).kind, refused.reason)
