"""Telegram and Slack go: away, broken, of another mind about our token. Mails go on meanwhile."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from helpers.node import Node
from tests.faults.bench import LONG, Bench
from tests.faults.count import Mail, Promise
from tests.faults.outages import over, paused, pauses
from tests.faults.publisher import Publisher
from tests.faults.sink import Dumped
from tests.faults.table import PROPERTY
from tests.http_server import Answer, HttpServer, Request
from tests.notifiers.slack.examples import refusal, slack
from tests.notifiers.telegram.examples import BotApi, refused
from tests.smtp_server import SmtpServer
from tests.waiting import until

MESSAGES = 600 if LONG else 80
MORE = 40
"""So many are published for each harm: it does nothing when everything was sent before."""

MAILS = 200 if LONG else 20
"""So many mails are published while it is away, and arrive."""

NUMBER = re.compile(r"Hello (m\d+)!")


class Chats(HttpServer):
    """A service that counts what it was given, as a mail server does.

    Attributes:
        mails: what it took.
        pause: seconds until it answers.

    """

    def __init__(self, service: Callable[[Request], Answer]) -> None:
        super().__init__(self._serve_chat)
        self.mails: list[Mail] = []
        self.pause = 0.05
        self._service = service

    def _serve_chat(self, request: Request) -> Answer:
        answer = self._service(request)
        text = str(request.json if request.body[:1] == b"{" else request.fields)
        found = NUMBER.search(text)
        if found:
            self.mails.append(Dumped(f"Message-ID: <{found[1]}@x>\n".encode(), monotonic()))
        return Answer(answer.status, answer.body, answer.headers, self.pause)


class ChatBench(Bench):
    """A bench for one of them: each message goes to a chat of its own."""

    async def _publish(self, channel: Any, message_id: str, fields: dict[str, Any]) -> None:
        number = 1_000 + int(message_id[1:])
        to = number if self.queue == "telegram" else f"C0{number}"
        await super()._publish(channel, message_id, {"to": to, "parameters": {"name": message_id}, **fields})


@dataclass(frozen=True)
class Service:
    """What a service is like.

    Attributes:
        usual: how it answers.
        token, path: what the settings say of it.
        no_token: how it answers to a token that it does not know.

    """

    usual: Callable[[Request], Answer]
    token: str
    path: str
    no_token: Answer


SERVICES = {
    "telegram": Service(BotApi(), "1234567:test", "", refused(401, "Unauthorized")),
    "slack": Service(slack, "xoxb-1-test", "/api", refusal("invalid_auth")),
}


@pytest.mark.parametrize("queue", SERVICES)
async def test_the_service_goes_in_every_way(
    request: pytest.FixtureRequest, node: Node, virtual_host: str, tmp_path: Path, smtp: SmtpServer, queue: str
):
    service = SERVICES[queue]
    url = node.url + virtual_host
    template = tmp_path / "templates" / queue / f"hello.{'html' if queue == 'telegram' else 'md'}.jinja2"
    template.parent.mkdir(parents=True)
    template.write_text("Hello {{ name }}!")
    mails = Publisher(url, "email")
    async with Chats(service.usual) as server, ChatBench(url, tmp_path, server, queue=queue) as bench:
        await bench.publish(MESSAGES)
        settings = {"token": service.token, "api_url": server.url + service.path}
        async with bench.fault():
            await server.stop()  # before it can be asked: what is on the wire when it goes may come twice
            await bench.start(
                notifiers__email__port=smtp.port,
                **{f"notifiers__{queue}__{name}": value for name, value in settings.items()},
            )
            await _while_away(bench, mails, smtp, 1)
            await server.__aenter__()
            await over(bench, queue)
            for number, harm in enumerate((Answer(502, "bad gateway"), service.no_token), 2):
                await bench.publish(MORE)
                await bench.sent(len(bench.arrived()) + 5)
                server.answer("", harm, always=True)
                await _while_away(bench, mails, smtp, number)
                server.forget()
                await over(bench, queue)
        row = await bench.verdict(f"{queue} refuses connections, answers 502, refuses the token", Promise(burnt=8))
        request.node.user_properties.append((PROPERTY, row.as_property()))
        assert 3 == pauses(bench, queue)
        assert 0 == pauses(bench)


async def _while_away(bench: Bench, mails: Publisher, smtp: SmtpServer, number: int) -> None:
    """Wait until that is said for the so many-th time, and see that mails go on."""
    await paused(bench, number, bench.queue)
    sent = len(smtp.mails)
    await mails.publish(MAILS)
    await until(lambda: len(smtp.mails) == sent + MAILS, what="mails go on meanwhile")
