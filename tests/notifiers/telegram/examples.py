"""What the tests of the Telegram notifier start from."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from dispatcher.contract.telegram import TelegramNotification
from dispatcher.notifiers.base import Report
from dispatcher.notifiers.ledger import Ledger
from dispatcher.notifiers.telegram import TelegramNotifier, TelegramSettings
from dispatcher.words.errors import Failure
from dispatcher.words.texts import Rendered
from tests.http_server import Answer, HttpServer, Request

TOKEN = "4711:AAsecret-of_the_bot"
FILE = "telegram/hello.html.jinja2"
QUICK = {"connect": "5s", "answer": "20s", "upload": "20s"}


class BotApi:
    """Answers as the Bot API does: messages are counted from 101, and it takes all."""

    def __init__(self) -> None:
        self.numbers = count(101)

    def __call__(self, request: Request) -> Answer:
        if request.path.endswith("/getMe"):
            return agreed({"id": 4711, "is_bot": True, "first_name": "Test", "username": "test_bot"})
        chat = {"id": 1, "type": "private", "first_name": "Ada"}
        return agreed({"message_id": next(self.numbers), "date": 1700000000, "chat": chat, "new": {"unknown": 1}})


def agreed(result) -> Answer:
    """What the Bot API answers when all is well."""
    return Answer(200, {"ok": True, "result": result})


def refused(code: int, description: str = "", **parameters) -> Answer:
    """What the Bot API answers when something is not."""
    body = {"ok": False, "error_code": code, "description": description}
    return Answer(code, body | ({"parameters": parameters} if parameters else {}))


def notification(**fields) -> TelegramNotification:
    """A notification, by the contract."""
    return TelegramNotification.model_validate({"template": "hello", "to": 4711, **fields})


def texts(**by_format) -> Rendered:
    """What a template gave."""
    return Rendered(by_format, None, FILE)


HELLO = texts(txt="Hello")


def settings(server: HttpServer, **changes) -> TelegramSettings:
    """Settings for a server of ours, with time-outs that a test can wait for."""
    timeouts = QUICK | changes.pop("timeouts", {})
    return TelegramSettings(**{"token": TOKEN, "api_url": server.url, "timeouts": timeouts, **changes})


async def report(
    notifier: TelegramNotifier,
    rendered: Rendered = HELLO,
    message_id="id-1",
    done=frozenset(),
    at=0,
    pieces=0,
    ledger=None,
    **fields,
) -> Report:
    """Send one part of a notification."""
    asked = notification(**fields)
    part = replace(asked.parts()[at], pieces=pieces)
    return await notifier.send(message_id, asked, part, rendered, ledger or Ledger(frozenset(done)))


async def failed(notifier: TelegramNotifier, rendered: Rendered = HELLO, **what) -> Failure:
    """The failure of a send."""
    with pytest.raises(Failure) as caught:
        await report(notifier, rendered, **what)
    return caught.value


def judged(failure: Failure) -> tuple[str, str, timedelta | None]:
    """What a failure comes to."""
    return (failure.kind, failure.reason, failure.wait)


def sent(server: HttpServer, name: str = "text") -> list[str | None]:
    """A field of all requests, in their order."""
    return [request.fields.get(name) for request in server.requests]


def paragraphs(number: int, sign: str = "x", length: int = 4000) -> str:
    """A text of so many paragraphs, each of which goes out as a message of its own."""
    return "\n\n".join(f"{at:02}{sign * (length - 2)}" for at in range(number))


def methods(server: HttpServer) -> list[str]:
    """What was called, in its order."""
    return [path.rpartition("/")[2] for path in server.paths]
