"""Telegram and Slack from the publisher to the service, through the broker and back."""

from pathlib import Path

from helpers.sandbox import Sandbox
from tests.e2e.bot_api import BotApi
from tests.e2e.conftest import Publisher, Starter
from tests.waiting import until

TOKEN = "1234567:test"


async def test_of_a_long_text_each_piece_arrives_once(
    start: Starter, api: BotApi, telegram_publisher: Publisher, folder: Path
):
    (folder / "templates" / "telegram" / "long.html.jinja2").write_text("<b>{{ name }}</b>\n" + "{{ body }}")
    daemon = await start(notifiers__telegram__token=TOKEN, notifiers__telegram__api_url=api.url)
    body = "\n".join(f"line {number} " + "x" * 90 for number in range(120))
    api.answers = [200, 500, 200, 502]

    message = await telegram_publisher.publish(template="long", to=[7, 8], parameters={"name": "Ada", "body": body})
    await until(lambda: sum(line.get("outcome") == "accepted" for line in daemon.log) == 1)

    for chat in (7, 8):
        pieces = api.to(chat)
        assert len(pieces) > 2
        assert len(pieces) == len(set(pieces))
        assert f"<b>Ada</b>\n{body}" == "\n".join(pieces)
    assert {"deferred", "accepted"} == {line["outcome"] for line in daemon.settled(message)}


async def test_who_is_refused_is_a_dead_letter_and_the_others_are_served(
    start: Starter, api: BotApi, telegram_publisher: Publisher
):
    daemon = await start(notifiers__telegram__token=TOKEN, notifiers__telegram__api_url=api.url)
    api.answers = [200, 403]

    message = await telegram_publisher.publish(to=[1, 2, "@three"])
    await daemon.until_settled(message)

    assert ["1", "@three"] == [chat for _, chat, _ in api.taken]
    dead = await telegram_publisher.dead_letter()
    assert dead is not None
    assert ("recipient", "2") == (dead.headers["dispatcher-kind"], dead.headers["dispatcher-recipient"])
    assert TOKEN not in str(daemon.log) + str(dead.headers)


async def test_one_notification_by_each_of_the_services(
    start: Starter, publisher: Publisher, telegram_publisher: Publisher, slack_publisher: Publisher
):
    with Sandbox() as sandbox:
        await start(
            notifiers__email__port=sandbox.smtp_port,
            notifiers__telegram__token=TOKEN,
            notifiers__telegram__api_url=sandbox.telegram_url,
            notifiers__slack__token="xoxb-1-test",
            notifiers__slack__api_url=sandbox.slack_url,
        )
        hostile = {"name": "<b>_*[x](http://evil)"}
        await publisher.publish(to="ada@example.org", parameters=hostile)
        await telegram_publisher.publish(to=4711, parameters=hostile)
        await slack_publisher.publish(to="#general", parameters=hostile)
        await until(lambda: len(sandbox.messages()) == 3)

        (told,) = sandbox.messages("telegram")
        assert "Hello <b>_*[x](http://evil)" == told.detail()["text"]
        assert ["bold"] == [entity["type"] for entity in told.detail()["entities"] if entity["type"] != "url"]
        (told,) = sandbox.messages("slack")
        assert "Hello *&lt;b&gt;_*[x](http://evil)*" == told.detail()["text"].replace("\u2060", "")
