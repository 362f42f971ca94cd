"""Slack's Web API and webhooks, asked by Slack's own library: what is taken, what is refused, and in which words."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.waiting import until


@pytest.fixture
def slack(sandbox):
    return AsyncWebClient("xoxb-1-2-secret", base_url=f"{sandbox.slack_url}/", retry_handlers=[], timeout=5)


@pytest.fixture
def webhook(sandbox):
    """Makes a client of the webhook of that name."""
    return lambda name: AsyncWebhookClient(sandbox.webhook_url + name, retry_handlers=[], timeout=5)


@pytest.fixture
def call(http):
    """Calls a method with JSON and a token: the answer."""

    def call(method="chat.postMessage", token="xoxb-1", **fields):
        headers = {"Authorization": f"Bearer {token}".strip(), "Content-Type": "application/json; charset=utf-8"}
        answer = http.post(f"/slack/api/{method}", json=fields, headers=headers)
        assert answer.status_code == 200
        return answer.json()

    return call


def section(text="x", kind="mrkdwn"):
    return {"type": "section", "text": {"type": kind, "text": text}}


async def test_a_message_is_taken(slack, sandbox, http):
    """The answer is Slack's; what is kept is what was asked for."""
    first = await slack.chat_postMessage(channel="#ops", text="*Hello* &lt;all&gt;")
    answer = await slack.chat_postMessage(
        channel="C0123ABC", text="fallback", blocks=[section("Build _failed_")], thread_ts=first["ts"], mrkdwn=False
    )

    assert answer["ok"]
    assert answer["channel"] == "C0123ABC"
    assert answer["message"]["text"] == "fallback"
    assert answer["ts"] > first["ts"]
    assert first["channel"].startswith("C")

    one, two = (http.get(f"/api/messages/{message.id}").json() for message in sandbox.messages("slack"))
    assert (one["to"], one["title"], one["channel"], one["webhook"]) == (["#ops"], "Hello <all>", "#ops", None)
    assert (one["text"], one["blocks"], one["mrkdwn"], one["thread_ts"]) == ("*Hello* &lt;all&gt;", None, True, None)
    assert two["title"] == two["preview"] == "Build failed"
    assert (two["thread_ts"], two["mrkdwn"]) == (first["ts"], False)
    assert two["blocks"][0]["text"] == {"type": "mrkdwn", "text": "Build _failed_"}
    assert "secret" not in http.get(f"/api/messages/{two['id']}/raw").text


async def test_the_title_is_what_is_seen(slack, sandbox):
    """Markup counts in mrkdwn, and nowhere else."""
    header = {"type": "header", "text": {"type": "plain_text", "text": "Open *day* <!channel>"}}
    await slack.chat_postMessage(channel="#ops", text="fallback", blocks=[header, section("*Ada* &amp; <@U1>")])
    await slack.chat_postMessage(channel="#ops", text="*as* it is", mrkdwn=False)

    told, plain = sandbox.messages("slack")
    assert (told.title, told.reads) == ("Open *day* <!channel>", "Open *day* <!channel>\nAda & @U1")
    assert plain.title == "*as* it is"


async def test_a_webhook_takes_a_message(webhook, sandbox):
    """And answers with a word."""
    answer = await webhook("T0/B0/deploys").send(text="Deployed", blocks=[section()])

    assert (answer.status_code, answer.body) == (200, "ok")
    (kept,) = sandbox.messages()
    detail = kept.detail()
    assert (detail["webhook"], detail["channel"], detail["to"]) == ("T0/B0/deploys", "", ["T0/B0/deploys"])
    assert (detail["text"], len(detail["blocks"])) == ("Deployed", 1)


async def test_the_library_finds_its_bearings(slack):
    """`auth.test` and `api.test`."""
    assert (await slack.auth_test())["user_id"].startswith("U")
    assert (await slack.api_test(foo="bar"))["args"] == {"foo": "bar"}
    with pytest.raises(SlackApiError, match="because"):
        await slack.api_test(error="because")


@pytest.mark.parametrize(
    ("token", "error"), [("", "not_authed"), ("nonsense", "invalid_auth"), ("xoxb-", "invalid_auth")]
)
def test_a_token_must_look_like_one(call, http, token, error):
    """And there must be one."""
    assert call(token=token, channel="#a", text="x") == {"ok": False, "error": error}
    assert http.post("/slack/api/auth.test", data={"token": token}).json()["error"] == error


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"text": "x"}, "channel_not_found"),
        ({"channel": "", "text": "x"}, "channel_not_found"),
        ({"channel": "two words", "text": "x"}, "channel_not_found"),
        ({"channel": "#a"}, "no_text"),
        ({"channel": "#a", "text": " "}, "no_text"),
        ({"channel": "#a", "blocks": []}, "no_text"),
        ({"channel": "#a", "blocks": "["}, "invalid_blocks_format"),
        ({"channel": "#a", "blocks": {}}, "no_text"),
        ({"channel": "#a", "blocks": {"a": 1}}, "invalid_blocks_format"),
        ({"channel": "#a", "text": "x", "thread_ts": "17"}, "invalid_thread_ts"),
        ({"channel": "#a", "attachments": [{}] * 101}, "too_many_attachments"),
    ],
)
def test_what_slack_refuses_is_refused(call, sandbox, fields, error):
    """With 200, as Slack does, and nothing is kept."""
    assert call(**fields)["error"] == error
    assert sandbox.messages() == []


@pytest.mark.parametrize(
    ("blocks", "complaint"),
    [
        ([section()] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ([section(kind="html")], "must be one of: plain_text, mrkdwn [json-pointer:/blocks/0/text/type]"),
        ([{"type": "section"}], "missing required field: text [json-pointer:/blocks/0]"),
        (
            [{"type": "divider"}, {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
            "must be less than 151 characters [json-pointer:/blocks/1/text/text]",
        ),
        (
            [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
            "must be one of: plain_text [json-pointer:/blocks/0/text/type]",
        ),
        (
            [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}],
            "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
        ),
        (
            [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}],
            "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
        ),
        (
            [{"type": "image", "image_url": "https://example.org/x.png"}],
            "must be a string [json-pointer:/blocks/0/alt_text]",
        ),
        (
            [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}],
            "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
        ),
        (
            [{"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "x" * 76}}]}],
            "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
        ),
        ([{"type": "marquee"}], "unsupported type: marquee [json-pointer:/blocks/0/type]"),
        ([{}], "missing required field: type [json-pointer:/blocks/0]"),
        (["x"], "must be an object [json-pointer:/blocks/0]"),
    ],
)
def test_blocks_are_checked(call, sandbox, blocks, complaint):
    """With a pointer to the place."""
    answer = call(channel="#a", text="x", blocks=blocks)

    assert answer["error"] == "invalid_blocks"
    assert f"[ERROR] {complaint}" in answer["response_metadata"]["messages"]
    assert sandbox.messages() == []


def test_the_largest_blocks_are_taken(call):
    """Just within the bounds."""
    fields = [{"type": "mrkdwn", "text": "x" * 2000}] * 10
    header = {"type": "header", "text": {"type": "plain_text", "text": "x" * 150}}
    link = {"type": "button", "text": {"type": "plain_text", "text": "x" * 75}, "url": "https://example.org"}
    actions = {"type": "actions", "elements": [link] * 25}
    blocks = [header, {"type": "section", "fields": fields}, actions, *[section("x" * 3000)] * 47]

    assert call(channel="#a", blocks=blocks)["ok"]


async def test_a_text_that_is_too_long_is_cut(slack, sandbox):
    """With a warning, not with an error."""
    answer = await slack.chat_postMessage(channel="#a", text="x" * 40_001)

    assert answer["warning"] == "message_truncated"
    assert sandbox.messages()[0].text == "x" * 40_000


def test_a_request_may_be_written_in_any_way(http, sandbox):
    """As a form, as JSON; Slack remarks on JSON that does not name its character set."""
    headers = {"Authorization": "Bearer xoxb-1"}
    form = {"channel": "#a", "text": "x", "blocks": '[{"type": "divider"}]', "mrkdwn": "false"}
    assert http.post("/slack/api/chat.postMessage", data=form, headers=headers).json()["ok"]
    answer = http.post("/slack/api/chat.postMessage", json={"channel": "#a", "text": "x"}, headers=headers).json()
    assert answer["warning"] == "missing_charset"
    assert sandbox.messages()[0].detail()["blocks"] == [{"type": "divider"}]
    assert sandbox.messages()[0].detail()["mrkdwn"] is False

    headers["Content-Type"] = "application/json"
    for content, error in ((b"{", "invalid_json"), (b"[]", "json_not_object")):
        assert http.post("/slack/api/chat.postMessage", content=content, headers=headers).json()["error"] == error
    assert http.post("/slack/api/chat.delete", headers=headers).json()["error"] == "unknown_method"


@pytest.mark.parametrize(
    ("content", "status", "word"),
    [
        (b"{", 400, "invalid_payload"),
        (b"[]", 400, "invalid_payload"),
        (b"{}", 400, "no_text"),
        (b'{"blocks": [{"type": "x"}]}', 400, "invalid_blocks"),
        (b'{"text": "x"}', 200, "ok"),
        (b"payload=%7B%22text%22%3A%22x%22%7D", 200, "ok"),
    ],
)
def test_a_webhook_answers_in_a_word(http, content, status, word):
    """Whatever the content type says."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = http.post("/slack/services/ops", content=content, headers=headers)

    assert (answer.status_code, answer.text) == (status, word)


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("#fault-channel_not_found", "channel_not_found"),
        ("#fault-is_archived", "is_archived"),
        ("#fault-invalid_auth", "invalid_auth"),
    ],
)
async def test_a_channel_fails_as_it_says(slack, sandbox, channel, error):
    """Always."""
    for _ in range(2):
        with pytest.raises(SlackApiError) as refused:
            await slack.chat_postMessage(channel=channel, text="x")
        assert refused.value.response["error"] == error
    assert sandbox.messages() == []


async def test_too_many_requests(slack, sandbox):
    """So often, with the time to wait; then taken, then again."""
    for _ in range(2):
        for _ in range(2):
            with pytest.raises(SlackApiError) as refused:
                await slack.chat_postMessage(channel="#fault-429-twice", text="x")
            assert refused.value.response.status_code == 429
            assert refused.value.response.headers["Retry-After"] == "2"
            assert refused.value.response["error"] == "ratelimited"
        await slack.chat_postMessage(channel="#fault-429-twice", text="x")
    assert len(sandbox.messages()) == 2


@pytest.mark.parametrize("channel", ["#fault-500-once", "#fault-garbage-once"])
async def test_an_answer_that_cannot_be_read(slack, sandbox, channel):
    """HTML or broken JSON where JSON was due; then it is taken."""
    with pytest.raises(SlackApiError):
        await slack.chat_postMessage(channel=channel, text="x")
    assert sandbox.messages() == []

    await slack.chat_postMessage(channel=channel, text="x")
    assert len(sandbox.messages()) == 1


@pytest.mark.parametrize(
    ("fault", "failure", "kept"),
    [
        ("cut", aiohttp.ServerDisconnectedError, 0),
        ("cut-after", aiohttp.ServerDisconnectedError, 1),
        ("hang", TimeoutError, 0),
        ("hang-after", TimeoutError, 1),
    ],
)
async def test_nobody_knows_whether_it_was_taken(sandbox, fault, failure, kept):
    """The publisher hears nothing; `after` means that the message is there."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(1.0)) as session:
        slack = AsyncWebClient("xoxb-1", base_url=f"{sandbox.slack_url}/", retry_handlers=[], session=session)
        with pytest.raises(failure):
            await slack.chat_postMessage(channel=f"#fault-{fault}-once", text="x")
        assert len(sandbox.messages()) == kept

        await slack.chat_postMessage(channel=f"#fault-{fault}-once", text="x")
    await until(lambda: len(sandbox.messages()) == kept + 1)


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("fault-429-once", 429, "rate_limited"),
        ("T0/B0/fault-429-once", 429, "rate_limited"),
        ("fault-500-once", 500, "server_error"),
        ("fault-no_service", 404, "no_service"),
        ("fault-channel_is_archived", 410, "channel_is_archived"),
        ("fault-action_prohibited", 403, "action_prohibited"),
        ("fault-invalid_payload", 400, "invalid_payload"),
    ],
)
async def test_a_webhook_fails_as_it_says(webhook, sandbox, name, status, body):
    """In plain text."""
    answer = await webhook(name).send(text="x")

    assert (answer.status_code, answer.body) == (status, body)
    assert answer.headers.get("Retry-After") == ("2" if status == 429 else None)
    assert sandbox.messages() == []


async def test_a_fault_can_be_asked_for(slack, http):
    """For one channel, so often, with a time to wait."""
    http.post("/faults", json={"service": "slack", "match": "#ops", "fault": "429", "times": 1, "seconds": 30})
    await slack.chat_postMessage(channel="#dev", text="x")

    with pytest.raises(SlackApiError) as refused:
        await slack.chat_postMessage(channel="#ops", text="x")
    assert refused.value.response.headers["Retry-After"] == "30"
    await slack.chat_postMessage(channel="#ops", text="x")
