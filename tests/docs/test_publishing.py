"""What docs/messages.md tells publishers and operators to do, done: the mail arrives."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers.sandbox import Sandbox
from tests.daemon import Daemon
from tests.docs.pages import Page
from tests.docs.test_messages_page import BODIES
from tests.management import Management
from tests.smtp_server import SmtpServer

PAGE = Page("messages.md")


async def run_python(folder: Path, url: str) -> tuple[int, str, str]:
    """Run the example as a reader would; give exit code, output, errors."""
    (program,) = PAGE.examples("python")
    (folder / "publish.py").write_text(program)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "publish.py",
        cwd=folder,
        env={**os.environ, "AMQP_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate()
    return process.returncode or 0, out.decode().strip(), error.decode()


async def test_the_python_example_makes_a_mail(daemon: Daemon, smtp: SmtpServer, url: str, tmp_path: Path):
    code, message_id, error = await run_python(tmp_path, url)
    assert (0, "") == (code, error)
    (line,) = await daemon.until_settled(message_id)

    assert "accepted" == line["outcome"]
    (mail,) = smtp.mails
    assert ["ada@example.org"] == mail.recipients
    assert f"<{message_id}@example.org>" == mail.message["Message-ID"]
    assert "Ada Lovelace <ada@example.org>" == mail.message["To"]
    assert "https://example.org/confirm/3f9a" in mail.message.get_body(("plain",)).get_content()


async def test_the_python_example_may_come_before_the_daemon(
    smtp: SmtpServer, url: str, tmp_path: Path, management: Management, virtual_host: str
):
    code, message_id, _ = await run_python(tmp_path, url)
    assert 0 == code
    (waiting,) = await take(management, virtual_host, "email", keep=True)
    assert {"delivery_mode": 2, "content_type": "application/json", "message_id": message_id} == {
        name: value for name, value in waiting["properties"].items() if name != "headers"
    }

    async with Daemon(tmp_path, brokers__rabbitmq__url=url, notifiers__email__port=smtp.port) as daemon:
        await daemon.until_settled(message_id)
    assert 1 == len(smtp.mails)


async def test_every_body_on_the_page_makes_mails(
    daemon: Daemon, smtp: SmtpServer, management: Management, virtual_host: str
):
    for number, body in enumerate(body for queue, body in BODIES if queue == "email"):
        await publish(management, virtual_host, json.loads(body), f"body-{number}")
        (line,) = await daemon.until_settled(f"body-{number}")
        assert "accepted" == line["outcome"], line.get("error")
        asked = json.loads(body)
        each = asked["to"] if isinstance(asked.get("parameters"), list) else [asked["to"]]
        assert len(each) == len([mail for mail in smtp.mails if f"body-{number}" in mail.message["Message-ID"]])


@pytest.mark.parametrize("queue", ["telegram", "slack"])
async def test_every_body_for_a_chat_makes_messages(
    daemon: Daemon, sandbox: Sandbox, management: Management, virtual_host: str, queue: str
):
    for number, body in enumerate(body for of, body in BODIES if of == queue):
        sandbox.clear()
        await publish(management, virtual_host, json.loads(body), f"{queue}-{number}", queue=queue)
        (line,) = await daemon.until_settled(f"{queue}-{number}")
        assert "accepted" == line["outcome"], line.get("error")
        assert "remark" not in line, line
        asked = json.loads(body)
        to = asked["to"] if isinstance(asked["to"], list) else [asked["to"]]
        assert len(to) == len(sandbox.messages(queue)), body


async def test_the_exchange_is_there(daemon: Daemon, management: Management, virtual_host: str):
    body = {"template": "custom", "to": "ada@example.org", "subject": "Hello", "parameters": {"html": "<p>Hello</p>"}}
    await publish(management, virtual_host, body, "by-exchange", exchange="dispatcher")
    (line,) = await daemon.until_settled("by-exchange")

    assert "accepted" == line["outcome"]


async def test_curl_as_it_is_shown(daemon: Daemon, smtp: SmtpServer, management: Management, virtual_host: str):
    (shown,) = (one for one in PAGE.examples("sh") if one.startswith("curl"))
    address, _, body = shown.partition(" <<'END'\n")
    assert "/api/exchanges/%2F/amq.default/publish" in address
    answer = await management.call(
        "POST", f"exchanges/{virtual_host}/amq.default/publish", json.loads(body.removesuffix("END\n"))
    )
    (line,) = await daemon.until_settled("first-try")

    assert {"routed": True} == answer
    assert "accepted" == line["outcome"]
    assert 1 == len(smtp.mails)


async def test_a_dead_letter_is_put_back_as_it_is_told(
    daemon: Daemon, smtp: SmtpServer, management: Management, virtual_host: str
):
    smtp.answer("RCPT", "550 5.1.1 no such user", about="bob@")
    people = ["ada@example.org", "bob@example.org", "carol@example.org"]
    body = {"template": "custom", "to": people, "subject": "Hello", "parameters": {"html": "<p>Hello</p>"}}
    await publish(management, virtual_host, body, "news-1")
    await daemon.until_settled("news-1")
    assert [["ada@example.org", "carol@example.org"]] == [mail.recipients for mail in smtp.mails]

    (letter,) = await take(management, virtual_host, "email.dead", keep=True)
    properties = letter["properties"]
    headers = properties["headers"]
    assert ("no-such-recipient", "bob@example.org") == (headers["dispatcher-reason"], headers["dispatcher-recipient"])
    smtp.forget()
    await publish(
        management,
        virtual_host,
        json.loads(letter["payload"]),
        properties["message_id"],
        headers={"dispatcher-done": headers["dispatcher-done"]},
    )
    await take(management, virtual_host, "email.dead", keep=False)
    lines = await daemon.until_settled("news-1", times=2)

    assert ("accepted", 1) == (lines[1]["outcome"], lines[1]["attempt"])
    assert ["bob@example.org"] == smtp.mails[1].recipients
    assert smtp.mails[0].message["Message-ID"] == smtp.mails[1].message["Message-ID"]
    assert 3 == len(smtp.mails[1].message["To"].addresses)
    assert [] == await take(management, virtual_host, "email.dead", keep=True)


async def publish(
    management: Management,
    virtual_host: str,
    body: dict[str, Any],
    message_id: str,
    *,
    queue: str = "email",
    exchange: str = "amq.default",
    headers: dict[str, Any] | None = None,
) -> None:
    """Publish as the management page does."""
    properties = {"delivery_mode": 2, "content_type": "application/json", "message_id": message_id}
    message = {
        "routing_key": queue,
        "properties": {**properties, "headers": headers or {}},
        "payload_encoding": "string",
        "payload": json.dumps(body),
    }
    answer = await management.call("POST", f"exchanges/{virtual_host}/{exchange}/publish", message)
    assert {"routed": True} == answer


async def take(management: Management, virtual_host: str, queue: str, *, keep: bool) -> list[dict[str, Any]]:
    """Get one message as the management page does, if there is one."""
    mode = "ack_requeue_true" if keep else "ack_requeue_false"
    asked = {"count": 1, "ackmode": mode, "encoding": "auto"}
    return await management.call("POST", f"queues/{virtual_host}/{queue}/get", asked)
