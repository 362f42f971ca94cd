"""A notification becomes a mail."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from helpers.ports import free_port
from tests.e2e.bot_api import BotApi
from tests.e2e.conftest import LAYOUT, MACROS, PAGE, Publisher, Starter
from tests.smtp_server import SmtpServer
from tests.waiting import until

PICTURE = base64.b64encode(bytes(range(256)) * 40).decode()


async def test_a_mail_arrives_byte_correct(start: Starter, smtp: SmtpServer, publisher: Publisher):
    daemon = await start()
    await publisher.publish(
        message_id="order-17",
        **{
            "to": ["Ada Lovelace <ada@example.org>", "bob@bücher.example"],
            "from": "Die Straße <noreply@example.com>",
            "reply_to": ["help@example.org"],
            "cc": "carol@example.org",
            "bcc": ["dave@example.org"],
            "subject": "Schöne Grüße aus Österreich, 你好 🎉",
            "attachments": [
                {"filename": "Rechnung März.pdf", "content": PICTURE, "content_type": "application/pdf"},
                {"filename": "logo.png", "content": PICTURE, "content_type": "image/png", "content_id": "logo"},
            ],
            "headers": {"List-Unsubscribe": "<https://example.org/off>"},
        },
    )
    await daemon.until_settled("order-17")

    (mail,) = smtp.mails
    got = mail.message
    assert "noreply@example.com" == mail.sender
    assert ["ada@example.org", "bob@xn--bcher-kva.example", "carol@example.org", "dave@example.org"] == mail.recipients
    assert "Schöne Grüße aus Österreich, 你好 🎉" == got["Subject"]
    assert "Die Straße" == got["From"].addresses[0].display_name
    assert "help@example.org" == got["Reply-To"]
    assert "carol@example.org" == got["Cc"]
    assert got["Bcc"] is None
    assert "<order-17@example.com>" == got["Message-ID"]
    assert "auto-generated" == got["Auto-Submitted"]
    assert "<https://example.org/off>" == got["List-Unsubscribe"]
    assert "Hello Ada!\n" == got.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert "<p>Hello <b>Ada</b></p>" in got.get_body(("html",)).get_content()
    attached = {part.get_filename(): part for part in got.walk() if part.get_filename()}
    assert {"Rechnung März.pdf", "logo.png"} == set(attached)
    assert base64.b64decode(PICTURE) == attached["Rechnung März.pdf"].get_content()
    assert "<logo>" == attached["logo.png"]["Content-ID"]
    assert (
        dict(daemon.settled("order-17")[0]).items()
        >= {
            "queue": "email",
            "template": "hello",
            "attempt": 1,
            "outcome": "accepted",
        }.items()
    )


async def test_what_existing_publishers_send_works_untouched(start: Starter, smtp: SmtpServer, publisher: Publisher):
    daemon = await start()
    sent = await publisher.publish(
        {
            "from": "Team <team@example.org>",
            "to": ["ada@example.org", "bob@example.org"],
            "reply_to": "team@example.org",
            "subject": "Welcome",
            "template": "hello.html",
            "parameters": [{"name": "Ada"}, {"name": "Bob"}],
        }
    )
    await daemon.until_settled(sent)

    assert [["ada@example.org"], ["bob@example.org"]] == [mail.recipients for mail in smtp.mails]
    assert ["ada@example.org", "bob@example.org"] == [mail.message["To"] for mail in smtp.mails]
    assert ["Hello Ada!", "Hello Bob!"] == [
        mail.message.get_body(("plain",)).get_content().strip() for mail in smtp.mails
    ]
    assert 2 == len({mail.message["Message-ID"] for mail in smtp.mails})


async def test_a_flat_folder_of_jinja_files_works_as_it_is(
    start: Starter, smtp: SmtpServer, publisher: Publisher, folder: Path
):
    snippets = folder / "templates" / "snippets"
    snippets.mkdir()
    (snippets / "macros.jinja2").write_text(MACROS)
    (folder / "templates" / "welcome.jinja2").write_text(
        '{% import "snippets/macros.jinja2" as m %}<p>Hi {{ m.strong(name) }}</p>'
    )
    daemon = await start()
    await daemon.until_settled(await publisher.publish(template="welcome", subject="Hi"))

    assert "<p>Hi <b>Ada</b></p>" in smtp.mails[0].message.get_body(("html",)).get_content()
    assert "Hi Ada" == smtp.mails[0].message.get_body(("plain",)).get_content().strip()


@pytest.mark.parametrize(
    ("file", "text", "seen"),
    [
        ("hello.html.jinja2", PAGE.replace("Hello", "Servus"), "<p>Servus <b>Ada</b></p>"),
        ("layout.html.jinja2", LAYOUT.replace("<body>", "<body class=new>"), "<body class=new>"),
        ("macros.jinja2", MACROS.replace("<b>", "<strong>"), "<p>Hello <strong>Ada</b></p>"),
    ],
    ids=["template", "parent", "macro"],
)
async def test_a_replaced_file_is_used_by_the_very_next_message(
    start: Starter, smtp: SmtpServer, publisher: Publisher, folder: Path, file: str, text: str, seen: str
):
    daemon = await start()
    await daemon.until_settled(await publisher.publish())
    fresh = folder / "fresh"
    fresh.write_text(text)
    fresh.replace(folder / "templates" / "email" / file)
    await daemon.until_settled(await publisher.publish())

    before, after = (mail.message.get_body(("html",)).get_content() for mail in smtp.mails)
    assert seen not in before
    assert seen in after


async def test_a_broken_save_goes_on_with_the_good_template_and_says_so(
    start: Starter, smtp: SmtpServer, publisher: Publisher, folder: Path
):
    daemon = await start()
    await daemon.until_settled(await publisher.publish())
    (folder / "templates" / "email" / "hello.html.jinja2").write_text("<p>{% if %}</p>")
    await daemon.until_settled(await publisher.publish())

    assert 2 == len(smtp.mails)
    assert "<p>Hello <b>Ada</b></p>" in smtp.mails[1].message.get_body(("html",)).get_content()
    said = [line["event"] for line in daemon.log if "going on with the version before" in line["event"]]
    assert 1 == len(said)
    assert "email/hello.html.jinja2:1" in said[0]


async def test_a_template_that_is_dropped_in_time_is_used(
    start: Starter, smtp: SmtpServer, publisher: Publisher, folder: Path
):
    daemon = await start()
    sent = await publisher.publish(template="late")
    await daemon.until_settled(sent)
    (folder / "templates" / "email" / "late.html.jinja2").write_text("{% block subject %}Late{% endblock %}")
    lines = await daemon.until_settled(sent, times=2)

    assert [("deferred", "template-missing", 1), ("accepted", None, 2)] == [
        (line["outcome"], line.get("reason"), line["attempt"]) for line in lines
    ]
    assert "Late" == smtp.mails[0].message["Subject"]


async def test_greylisted_twice_it_arrives_once_at_the_third_attempt(
    start: Starter, smtp: SmtpServer, publisher: Publisher
):
    smtp.answer("RCPT", "451 4.3.0 not now", "451 4.3.0 not now")
    daemon = await start()
    sent = await publisher.publish()
    lines = await daemon.until_settled(sent, times=3)

    assert [("deferred", 1), ("deferred", 2), ("accepted", 3)] == [(line["outcome"], line["attempt"]) for line in lines]
    assert "smtp-temporary" == lines[0]["reason"]
    assert [f"<{sent}@example.org>"] == [mail.message["Message-ID"] for mail in smtp.mails]


async def test_one_refused_of_three_is_served_to_two_and_kept_for_the_third(
    start: Starter, smtp: SmtpServer, publisher: Publisher
):
    smtp.answer("RCPT", "550 5.1.1 no such user", about="bob@", always=True)
    daemon = await start()
    sent = await publisher.publish(to=["ada@example.org", "bob@example.org", "carol@example.org"])
    await daemon.until_settled(sent)
    letter = await publisher.dead_letter()

    assert [["ada@example.org", "carol@example.org"]] == [mail.recipients for mail in smtp.mails]
    assert letter is not None
    assert ("bob@example.org", "no-such-recipient", "email", 1) == tuple(
        letter.headers[f"dispatcher-{name}"] for name in ("recipient", "reason", "queue", "attempt")
    )
    assert "550 5.1.1 no such user" in str(letter.headers["dispatcher-error"])
    assert await publisher.dead_letter() is None
    assert sent == letter.message_id


async def test_a_dead_letter_that_is_put_back_serves_only_who_was_not_served(
    start: Starter, smtp: SmtpServer, publisher: Publisher
):
    smtp.answer("RCPT", "550 5.1.1 no such user", about="bob@")
    daemon = await start()
    sent = await publisher.publish(to=["ada@example.org", "bob@example.org"])
    await daemon.until_settled(sent)
    letter = await publisher.dead_letter()
    assert letter is not None
    smtp.forget()
    await publisher.channel.default_exchange.publish(letter, routing_key="email")
    await daemon.until_settled(sent, times=2)

    assert [["ada@example.org"], ["bob@example.org"]] == [mail.recipients for mail in smtp.mails]


async def test_two_names_for_one_mailbox_that_were_refused_can_be_put_back(
    start: Starter, smtp: SmtpServer, publisher: Publisher
):
    smtp.answer("RCPT", "550 5.1.1 no such user")
    daemon = await start()
    sent = await publisher.publish(to=["ada@example.org", "Ada <ada@example.org>"])
    await daemon.until_settled(sent)
    for _ in range(2):
        letter = await publisher.dead_letter()
        assert letter is not None
        await publisher.channel.default_exchange.publish(letter, routing_key="email")
    await daemon.until_settled(sent, times=3)

    assert {"ada@example.org"} == {recipient for mail in smtp.mails for recipient in mail.recipients}


async def test_after_the_last_rung_the_dead_letter_says_everything(
    start: Starter, smtp: SmtpServer, publisher: Publisher
):
    smtp.answer("MAIL", "451 4.3.0 never", always=True)
    daemon = await start()
    body = b'{"template": "hello",  "to": "ada@example.org", "parameters": {"name": "Ada"}}'
    sent = await publisher.publish(body)
    await daemon.until_settled(sent, times=3)
    letter = await publisher.dead_letter()

    assert letter is not None
    assert (body, sent, 3, "transient") == (
        letter.body,
        letter.message_id,
        letter.headers["dispatcher-attempt"],
        letter.headers["dispatcher-kind"],
    )
    first, last = letter.headers["dispatcher-first-seen"], letter.headers["dispatcher-last-try"]
    assert 900 <= last - first < 60_000
    assert not smtp.mails


async def test_a_night_without_a_mail_server_touches_no_message(
    start: Starter, smtp: SmtpServer, publisher: Publisher, telegram_publisher: Publisher, api: BotApi
):
    port = smtp.port
    await smtp.stop()
    daemon = await start(
        service__probe__shortest="20ms",
        service__probe__longest="100ms",
        service__health__port=(page := free_port()),
        notifiers__telegram__api_url=api.url,
        notifiers__telegram__token="1234567:test",
    )
    sent = {await publisher.publish() for _ in range(100)}
    await until(lambda: any("email: paused" in line["event"] for line in daemon.log))
    other = await telegram_publisher.publish(to=42)
    (told,) = await daemon.until_settled(other)
    await until(publisher_has(publisher, 100))
    state = (await asyncio.to_thread(ask, page))["queues"]["email"]
    await smtp.__aenter__()
    assert port == smtp.port
    await until(lambda: len(smtp.mails) == 100)
    await until(lambda: sent <= {line["id"] for line in daemon.settled() if line["outcome"] == "accepted"})

    assert "accepted" == told["outcome"]
    assert "paused" == state["state"]
    assert "cannot" in state["text"] or "refused" in state["text"]
    assert {1} == {line["attempt"] for line in daemon.settled()}
    assert {"released", "accepted"} == {line["outcome"] for line in daemon.settled() if line["queue"] == "email"}
    assert 1 == sum("email: paused" in line["event"] for line in daemon.log)
    assert 1 == sum("email: taking messages again" in line["event"] for line in daemon.log)


def publisher_has(publisher: Publisher, count: int) -> Callable[[], Awaitable[bool]]:
    """Ask whether so many messages wait in the queue, untouched."""

    async def has() -> bool:
        return await publisher.waiting() == count

    return has


def ask(port: int) -> dict[str, Any]:
    """Give what the page about the daemon's health says."""
    with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
        return json.load(answer)


async def test_what_expired_is_never_sent(start: Starter, smtp: SmtpServer, publisher: Publisher):
    daemon = await start()
    sent = await publisher.publish(expires_at="2020-01-01T00:00:00Z")
    (line,) = await daemon.until_settled(sent)

    assert ("rejected", "expired") == (line["outcome"], line["reason"])
    assert not smtp.mails
