"""The Bot API, asked by the library that everybody uses: what is taken, what is refused, and in which words."""

import asyncio
import re

import httpx
import pytest
import telegram
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, ReplyParameters
from telegram.request import HTTPXRequest

from tests.waiting import until

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3 + b"\r\n--x\r\n\r\n"


@pytest.fixture
async def bot(sandbox):
    request = HTTPXRequest(read_timeout=5)
    async with telegram.Bot("123:secret", base_url=f"{sandbox.telegram_url}/bot", request=request) as bot:
        yield bot


@pytest.fixture
def call(http):
    """Calls a method with JSON: the status and the answer."""

    def call(method="sendMessage", token="123:secret", **fields):
        answer = http.post(f"/telegram/bot{token}/{method}", json=fields)
        return answer.status_code, answer.json()

    return call


async def test_a_message_is_taken(bot, sandbox, http):
    """The answer is Telegram's; what is kept is what a person sees."""
    message = await bot.send_message(
        42, "<b>Hello</b> @ada &amp; <a href='https://example.org'>all</a>", parse_mode="HTML"
    )

    assert message.text == "Hello @ada & all"
    assert [(one.type, message.parse_entity(one)) for one in message.entities] == [
        ("bold", "Hello"),
        ("mention", "@ada"),
        ("text_link", "all"),
    ]
    assert (message.chat.id, message.chat.type, message.from_user.is_bot) == (42, "private", True)

    (kept,) = sandbox.messages("telegram")
    detail = http.get(f"/api/messages/{kept.id}").json()
    assert detail["to"] == ["42"]
    assert detail["title"] == detail["preview"] == "Hello @ada & all"
    assert (detail["chat_id"], detail["message_id"], detail["method"]) == (42, message.message_id, "sendMessage")
    assert detail["entities"][2] == {"type": "text_link", "offset": 13, "length": 3, "url": "https://example.org/"}
    assert (detail["parse_mode"], detail["silent"], detail["topic"], detail["reply_to"]) == ("HTML", False, None, None)
    assert (detail["link_preview"], detail["buttons"], detail["photo"], detail["document"]) == (True, [], None, None)
    assert "secret" not in http.get(f"/api/messages/{kept.id}/raw").text


async def test_everything_that_comes_with_a_message_is_kept(bot, sandbox):
    """As the library writes it: JSON inside a form."""
    first = await bot.send_message("@news", "one")
    second = await bot.send_message(
        "@news",
        "*two*\\!",
        parse_mode="MarkdownV2",
        disable_notification=True,
        message_thread_id=7,
        reply_parameters=ReplyParameters(first.message_id),
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("Open", url="https://example.org/x")]]),
    )

    assert second.reply_markup.inline_keyboard[0][0].url == "https://example.org/x"
    assert second.chat.username == "news"
    detail = sandbox.messages()[1].detail()
    assert (detail["chat_id"], detail["text"]) == ("@news", "two!")
    assert (detail["silent"], detail["topic"], detail["reply_to"]) == (True, 7, first.message_id)
    assert detail["link_preview"] is False
    assert detail["buttons"] == [[{"text": "Open", "url": "https://example.org/x"}]]


@pytest.mark.parametrize(("kind", "filename"), [("photo", "ä b.png"), ("document", "x.bin")])
async def test_a_file_is_taken(bot, http, sandbox, kind, filename):
    """Byte for byte, whatever bytes these are."""
    send = {"photo": bot.send_photo, "document": bot.send_document}[kind]
    message = await send(42, PNG, caption="<i>Look</i>", parse_mode="HTML", filename=filename)

    assert message.caption == "Look"
    (kept,) = sandbox.messages()
    detail = http.get(f"/api/messages/{kept.id}").json()
    assert detail[kind]["filename"] == filename
    assert detail[kind]["size"] == len(PNG)
    assert detail["text"] == "Look"
    assert http.get(f"/api/messages/{kept.id}/files/{detail[kind]['n']}").content == PNG


async def test_a_file_may_only_be_named(bot, sandbox):
    """By a URL, which is not fetched."""
    await bot.send_photo(42, "https://example.org/x.png")

    (kept,) = sandbox.messages()
    assert kept.detail()["photo"] == {"url": "https://example.org/x.png"}
    assert kept.files() == []


async def test_a_bot_knows_itself(bot):
    """By the number in its token."""
    me = await bot.get_me()

    assert (me.id, me.is_bot) == (123, True)


@pytest.mark.parametrize(
    ("fields", "description"),
    [
        ({"text": "x"}, "chat_id is empty"),
        ({"chat_id": "", "text": "x"}, "chat_id is empty"),
        ({"chat_id": "ada", "text": "x"}, "chat not found"),
        ({"chat_id": "@a-b", "text": "x"}, "chat not found"),
        ({"chat_id": 0, "text": "x"}, "chat not found"),
        ({"chat_id": 1}, "message text is empty"),
        ({"chat_id": 1, "text": ""}, "message text is empty"),
        ({"chat_id": 1, "text": " \n "}, "text must be non-empty"),
        ({"chat_id": 1, "text": "<b></b>", "parse_mode": "HTML"}, "text must be non-empty"),
        (
            {"chat_id": 1, "text": "<p>", "parse_mode": "HTML"},
            'can\'t parse entities: Unsupported start tag "p" at byte offset 0',
        ),
        (
            {"chat_id": 1, "text": "a.", "parse_mode": "MarkdownV2"},
            "can't parse entities: Character '.' is reserved and must be escaped with the preceding '\\'",
        ),
        ({"chat_id": 1, "text": "x", "parse_mode": "rtf"}, "unsupported parse_mode"),
        ({"chat_id": 1, "text": "x" * 4097}, "message is too long"),
        ({"chat_id": 1, "text": "😀" * 2049}, "message is too long"),
        ({"chat_id": 1, "text": "<b>x</b>" * 4097, "parse_mode": "HTML"}, "text is too long"),
        ({"chat_id": 1, "text": "x", "reply_to_message_id": 10**9}, "message to be replied not found"),
        ({"chat_id": 1, "text": "x", "reply_parameters": {"message_id": 10**9}}, "message to be replied not found"),
        ({"chat_id": 1, "text": "x", "reply_markup": "{"}, "can't parse reply keyboard markup JSON object"),
        (
            {"chat_id": 1, "text": "x", "reply_markup": {"inline_keyboard": [[{"text": "x"}]]}},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            {"chat_id": 1, "text": "x", "reply_markup": {"inline_keyboard": [[{"text": "x", "url": "localhost"}]]}},
            "inline keyboard button URL 'localhost' is invalid: Wrong HTTP URL",
        ),
        (
            {
                "chat_id": 1,
                "text": "x",
                "reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "é" * 33}]]},
            },
            "BUTTON_DATA_INVALID",
        ),
    ],
)
def test_what_telegram_refuses_is_refused(call, sandbox, fields, description):
    """In its words, and nothing is kept."""
    status, answer = call(**fields)

    assert status == 400
    assert answer == {"ok": False, "error_code": 400, "description": f"Bad Request: {description}"}
    assert sandbox.messages() == []


@pytest.mark.parametrize(
    ("method", "fields", "description"),
    [
        ("sendPhoto", {}, "there is no photo in the request"),
        ("sendDocument", {"document": "x"}, "wrong remote file identifier specified: Wrong string length"),
        ("sendPhoto", {"photo": "https://example.org/x", "caption": "x" * 1025}, "message caption is too long"),
    ],
)
def test_what_telegram_refuses_of_files_is_refused(call, method, fields, description):
    """Too."""
    assert call(method, chat_id=1, **fields)[1]["description"] == f"Bad Request: {description}"


async def test_a_photo_must_be_a_picture(bot):
    """A document may be anything, but not nothing."""
    with pytest.raises(telegram.error.BadRequest, match="Image_process_failed"):
        await bot.send_photo(1, b"no picture")
    with pytest.raises(telegram.error.BadRequest, match="File must be non-empty"):
        await bot.send_document(1, b"", filename="x")


@pytest.mark.parametrize("text", ["x" * 4096, "😀" * 2048])
def test_the_longest_text_is_taken(call, text):
    """Counted in UTF-16 units, without markup."""
    assert call(chat_id=1, text=f"<b>{text}</b>", parse_mode="HTML")[0] == 200


def test_a_lost_answer_may_be_left_out(call):
    """Where the bot said so."""
    parameters = {"message_id": 10**9, "allow_sending_without_reply": True}
    status, answer = call(chat_id=1, text="x", reply_parameters=parameters)

    assert status == 200
    assert "reply_to_message" not in answer["result"]


@pytest.mark.parametrize(
    ("token", "method", "status", "description"),
    [
        ("nonsense", "getMe", 404, "Not Found"),
        ("123:", "getMe", 401, "Unauthorized"),
        ("x:y", "sendMessage", 401, "Unauthorized"),
        ("123:x", "sendPigeon", 404, "Not Found: method not found"),
        ("123:x", "GETME", 200, None),
    ],
)
def test_tokens_and_methods(call, token, method, status, description):
    """Any token that looks like one is taken; the names of methods are taken in any case."""
    answer = call(method, token)

    assert answer[0] == status
    assert answer[1].get("description") == description


def test_a_request_may_be_written_in_any_way(http, sandbox):
    """In the URL, as a form, as JSON; in none of them broken."""
    path = "/telegram/bot1:x/sendMessage"
    assert http.get(path, params={"chat_id": "1", "text": "a b"}).is_success
    assert http.post(path, data={"chat_id": "1", "text": "a b", "disable_notification": "True"}).is_success
    assert http.post(path, json={"chat_id": 1, "text": "a b"}).is_success
    assert http.post(path, files={"chat_id": (None, "1"), "text": (None, "a b")}).is_success
    for content_type in ("application/json", "multipart/form-data"):
        assert http.post(path, content=b"{", headers={"Content-Type": content_type}).status_code == 400

    assert [message.text for message in sandbox.messages()] == ["a b"] * 4
    assert sandbox.messages()[1].detail()["silent"] is True


@pytest.mark.parametrize(
    ("chat", "error", "words"),
    [
        (400, telegram.error.BadRequest, "Chat not found"),
        (403, telegram.error.Forbidden, "bot was blocked by the user"),
        (404, telegram.error.InvalidToken, "Not Found"),
        (500, telegram.error.NetworkError, "Internal Server Error"),
        (502, telegram.error.NetworkError, "Bad Gateway"),
        ("@fault_403", telegram.error.Forbidden, "bot was blocked by the user"),
        ("@fault_401", telegram.error.InvalidToken, "Unauthorized"),
        ("@fault_garbage", telegram.error.TelegramError, ""),
        ("@fault_cut", telegram.error.NetworkError, "disconnected"),
    ],
)
async def test_a_chat_fails_as_it_says(bot, sandbox, chat, error, words):
    """Always, and as the library understands it."""
    for _ in range(2):
        with pytest.raises(error, match=re.compile(words, re.IGNORECASE)):
            await bot.send_message(chat, "x")
    assert sandbox.messages() == []


@pytest.mark.filterwarnings("ignore:Deprecated since version v22.2")
@pytest.mark.parametrize(("chat", "times"), [(429, 1), ("@fault_429_twice", 2)])
async def test_too_many_requests(bot, chat, times):
    """So often, with the time to wait; then taken, then again."""
    for _ in range(2):
        for _ in range(times):
            with pytest.raises(telegram.error.RetryAfter) as refused:
                await bot.send_message(chat, "x")
            assert refused.value.retry_after == 2
        assert (await bot.send_message(chat, "x")).text == "x"


async def test_a_group_that_migrated(bot):
    """The new id works."""
    with pytest.raises(telegram.error.ChatMigrated) as refused:
        await bot.send_message("@fault_migrated", "x")

    message = await bot.send_message(refused.value.new_chat_id, "x")
    assert message.chat.type == "supergroup"


@pytest.mark.parametrize(("fault", "kept"), [("hang", 0), ("hang_after", 1), ("cut_after", 1)])
async def test_nobody_knows_whether_it_was_taken(sandbox, fault, kept):
    """The bot hears nothing; `after` means that the message is there."""
    async with telegram.Bot(
        "1:x", base_url=f"{sandbox.telegram_url}/bot", request=HTTPXRequest(read_timeout=1.0)
    ) as bot:
        with pytest.raises(telegram.error.NetworkError):
            await bot.send_message(f"@fault_{fault}_once", "x")
        assert len(sandbox.messages()) == kept

        await bot.send_message(f"@fault_{fault}_once", "x")
    assert len(sandbox.messages()) == kept + 1


async def test_a_slow_answer(bot, http, sandbox):
    """Comes after so many seconds; the others do not wait for it."""
    http.post("/faults", json={"service": "telegram", "match": "-77", "fault": "slow", "seconds": 0.5})
    slow = asyncio.create_task(bot.send_message(-77, "slow"))
    await asyncio.sleep(0.1)
    await bot.send_message(78, "quick")
    await slow

    assert [message.text for message in sandbox.messages()] == ["quick", "slow"]


async def test_a_fault_for_all_chats(bot, http):
    """With its own words and its own time to wait."""
    fault = {
        "service": "telegram",
        "match": "*",
        "fault": "429",
        "times": 1,
        "seconds": 30,
        "text": "Too Many Requests: x",
    }
    http.post("/faults", json=fault)

    answer = http.post("/telegram/bot1:x/sendMessage", json={"chat_id": 1, "text": "x"})
    assert answer.status_code == 429
    assert answer.json()["parameters"] == {"retry_after": 30}
    assert answer.json()["description"] == "Too Many Requests: x"
    assert (await bot.send_message(1, "x")).text == "x"


async def test_a_hanging_request_does_not_outlive_its_connection(sandbox):
    """Nothing waits for ever for somebody who left."""

    def hanging():
        return len(sandbox._closing._waiters) > 1  # the sandbox itself, and the request

    async with httpx.AsyncClient(base_url=sandbox.url, timeout=20) as http:
        call = {"chat_id": "@fault_hang", "text": "x"}
        waiting = asyncio.create_task(http.post("/telegram/bot1:x/sendMessage", json=call))
        await until(hanging)
        waiting.cancel()
        await until(lambda: not hanging())
