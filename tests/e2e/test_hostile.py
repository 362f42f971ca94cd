"""What is sent to do harm harms itself alone: it is settled with a reason, and the others go out."""

import gzip
import json
from pathlib import Path
from typing import Any

import aio_pika

from tests.e2e.conftest import Publisher, Starter
from tests.smtp_server import SmtpServer
from tests.waiting import until

GOOD = {"template": "hello", "to": "ada@example.org", "parameters": {"name": "Ada"}}

BOMBS = {
    "loops": "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
    "sorts": "{{ name|sort|length }}",
    "holds": "{% set n = namespace(x=[]) %}{% for i in range(90000) %}{% set n.x = [n.x, name[1:]] %}{% endfor %}",
}


async def test_a_bomb_is_a_dead_letter_and_the_others_go_out(
    start: Starter, smtp: SmtpServer, publisher: Publisher, folder: Path
):
    """One that takes memory is tried again first, where that shows before its time is up."""
    for name, source in BOMBS.items():
        (folder / "templates" / "email" / f"{name}.txt.jinja2").write_text(source)
    daemon = await start(service__templates__time_limit="500ms")
    good = []
    for name in BOMBS:
        bad = await publisher.publish(template=name, parameters={"name": "ab" * 2_000_000})
        good += [await publisher.publish() for _ in range(5)]
        await until(lambda bad=bad: [line["outcome"] for line in daemon.settled(bad)][-1:] == ["rejected"], what=name)

        assert {"render-limit"} == {line["reason"] for line in daemon.settled(bad)}
    for one in good:
        (line,) = await daemon.until_settled(one)
        assert "accepted" == line["outcome"]
    assert 15 == len(smtp.mails)


async def test_odd_properties_change_nothing(start: Starter, smtp: SmtpServer, publisher: Publisher):
    daemon = await start()
    odd: list[dict[str, Any]] = [
        {"priority": 255},
        {"type": "t" * 255, "app_id": "a" * 255},
        {"headers": {"x-large": "h" * 100_000}},
        {"headers": {f"x-{number}": number for number in range(3000)}},
        {"message_id": "a\r\nBcc: eve@evil.example"},
        {"message_id": "\u2028" * 80},
        {"content_type": "text/html\r\nX: y", "content_encoding": "gzip"},
    ]
    for properties in odd:
        await publisher.channel.default_exchange.publish(
            aio_pika.Message(json.dumps(GOOD).encode(), **properties), routing_key="email"
        )
    await until(lambda: len(daemon.settled()) == len(odd))

    assert {"accepted"} == {line["outcome"] for line in daemon.settled()}
    assert [["ada@example.org"]] * len(odd) == [mail.recipients for mail in smtp.mails]
    for mail in smtp.mails:
        assert mail.message["Message-ID"].count("@") == 1
        assert mail.message["Bcc"] is None


async def test_what_is_compressed_is_refused_in_a_sentence(start: Starter, smtp: SmtpServer, publisher: Publisher):
    daemon = await start()
    (line,) = await daemon.until_settled(await publisher.publish(gzip.compress(json.dumps(GOOD).encode())))

    assert ("rejected", "malformed") == (line["outcome"], line["reason"])
    assert "it is compressed, send it as it is" in line["error"]
    assert not smtp.mails


async def test_a_mail_over_the_limit_is_refused_before_the_server_is_asked(
    start: Starter, smtp: SmtpServer, publisher: Publisher
):
    daemon = await start(notifiers__email__max_size=100_000)
    attachment = {"filename": "a", "content": "QUJD" * 50_000}
    (line,) = await daemon.until_settled(await publisher.publish(attachments=[attachment]))

    assert ("rejected", "too-large") == (line["outcome"], line["reason"])
    assert "notifiers.email.max_size allows 100000" in line["error"]
    assert not smtp.mails
