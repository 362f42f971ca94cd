"""Bad input is settled with a reason that says what is wrong and where; the next good message goes out at once."""

import json
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from tests.e2e.conftest import Publisher, Starter
from tests.smtp_server import SmtpServer
from tests.waiting import until

GOOD = {"template": "hello", "to": "ada@example.org", "parameters": {"name": "Ada"}}
DEEP = b'{"template": "hello", "to": "a@example.org", "parameters": {"name": ' + b"[" * 1000 + b"]" * 1000 + b"}}"


def changed(**fields: Any) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


def without(name: str) -> bytes:
    return json.dumps({field: value for field, value in GOOD.items() if field != name}).encode()


CASES = {
    "invalid UTF-8": (b'{"template": "\xff"}', "malformed", "the body is not JSON in UTF-8"),
    "invalid JSON": (b'{"template": ', "malformed", "the body is not JSON in UTF-8: EOF"),
    "empty": (b"", "malformed", "the body is not JSON"),
    "a list": (b"[1]", "malformed", "the body is a list, it must be a JSON object"),
    "a number": (b"5", "malformed", "the body is a number"),
    "null": (b"null", "malformed", "the body is null"),
    "a string": (b'"x"', "malformed", "the body is a string"),
    "true": (b"true", "malformed", "the body is a truth value"),
    "not a number": (b'{"template": "hello", "to": "a@x.org", "parameters": {"n": NaN}}', "malformed", "not JSON"),
    "1,000 levels": (DEEP, "malformed", "the body is not JSON in UTF-8: recursion limit"),
    "no template": (without("template"), "malformed", "template: Field required"),
    "no to": (without("to"), "malformed", "to: Field required"),
    "to is null": (changed(to=None), "malformed", "to: Field required"),
    "to is empty": (changed(to=[]), "malformed", "to: "),
    "to is an empty string": (changed(to=""), "malformed", "to: "),
    "to is a number": (changed(to=5), "malformed", "to: Input should be a valid string"),
    "to holds a number": (changed(to=["a@example.org", 5]), "malformed", "to.1: Input should be a valid string"),
    "parameters are a string": (changed(parameters="x"), "malformed", "parameters: "),
    "too few parameters": (changed(parameters=[]), "malformed", "parameters: 0 objects for 1 recipients in to"),
    "attachment without content": (
        changed(attachments=[{"filename": "a"}]),
        "malformed",
        "attachments.0.content: Field required",
    ),
    "attachment that is no base64": (
        changed(attachments=[{"filename": "a", "content": "%"}]),
        "bad-attachment",
        "attachments.0.content",
    ),
    "expires_at is a number": (changed(expires_at=5), "malformed", "expires_at: must be a time"),
    "expires_at without zone": (changed(expires_at="2030-01-01T00:00:00"), "malformed", "expires_at: "),
    "template outside": (changed(template="../../etc/passwd"), "malformed", "template: is not the name of a template"),
    "template absolute": (changed(template="/etc/passwd"), "malformed", "template: is not the name of a template"),
    "template with NUL": (changed(template="hello\0"), "malformed", "template: is not the name of a template"),
    "address with a line break": (
        changed(to="a@example.org\r\nBcc: b@example.org"),
        "bad-address",
        "holds a line break",
    ),
    "subject with a line break": (changed(subject="Hi\r\nBcc: b@example.org"), "bad-header", "subject"),
    "reply_to with a line break": (changed(reply_to="a@example.org\nX: y"), "bad-header", "reply_to: "),
    "forbidden header": (changed(headers={"Bcc": "b@example.org"}), "bad-header", "headers.Bcc is not allowed"),
    "parameter missing": (changed(parameters={}), "parameter-missing", "email/hello.html.jinja2:2: parameter 'name'"),
    "a parameter of 10 MB": (changed(parameters={"name": "x" * 10_000_000}), "render-limit", "email/hello"),
}


@pytest.fixture
async def broken(folder: Path) -> None:
    (folder / "templates" / "email" / "broken.html.jinja2").write_text("<p>\n{% if %}</p>")


@pytest.mark.usefixtures("broken")
async def test_each_is_settled_with_a_reason_and_good_ones_go_out(
    start: Starter, smtp: SmtpServer, publisher: Publisher
):
    daemon = await start(service__retry__ladder="1h")
    wrong = []
    for name, (body, reason, words) in CASES.items():
        bad = await publisher.publish(body)
        good = await publisher.publish()
        try:
            (line,) = await daemon.until_settled(bad)
            (fine,) = await daemon.until_settled(good)
        except AssertionError as late:
            wrong.append(f"{name}: {late}")
            continue
        letter = await publisher.dead_letter()
        kept = letter and (letter.body, letter.message_id, letter.headers["dispatcher-reason"])
        if ("rejected", reason) != (line["outcome"], line["reason"]) or words not in line["error"]:
            wrong.append(f"{name}: {line}")
        if "accepted" != fine["outcome"]:
            wrong.append(f"{name}: the good one after it: {fine}")
        if (body, bad, reason) != kept:
            wrong.append(f"{name}: the dead letter is {str(kept)[:500]}")

    assert not wrong, "\n".join(wrong)
    assert len(CASES) == len(smtp.mails)
    assert not [line for line in daemon.log if line["level"] == "error" and line["event"] != "settled"]


@pytest.mark.usefixtures("broken")
async def test_a_template_with_a_syntax_error_waits_for_somebody_to_mend_it(
    start: Starter, smtp: SmtpServer, publisher: Publisher
):
    daemon = await start()
    lines = await daemon.until_settled(await publisher.publish(template="broken"), times=3)

    assert ["deferred", "deferred", "rejected"] == [line["outcome"] for line in lines]
    assert {"template-broken"} == {line["reason"] for line in lines}
    assert "email/broken.html.jinja2:2" in lines[0]["error"]
    assert not smtp.mails


async def test_a_body_of_5_mb_is_no_trouble(start: Starter, smtp: SmtpServer, publisher: Publisher):
    daemon = await start()
    content = "QUJD" * 1_250_000
    (line,) = await daemon.until_settled(
        await publisher.publish(attachments=[{"filename": "big.bin", "content": content}])
    )

    assert "accepted" == line["outcome"]
    (part,) = smtp.mails[0].message.iter_attachments()
    assert b"ABC" * 1_250_000 == part.get_content()


async def test_unknown_fields_are_ignored_with_one_warning_for_each_name(
    start: Starter, smtp: SmtpServer, publisher: Publisher
):
    daemon = await start()
    for _ in range(3):
        await daemon.until_settled(await publisher.publish(colour="red", size=1))

    warned = [line["field"] for line in daemon.log if "field" in line]
    assert ["colour", "size"] == sorted(warned)
    assert 3 == len(smtp.mails)


async def test_odd_amqp_properties_and_headers_are_no_trouble(start: Starter, smtp: SmtpServer, publisher: Publisher):
    daemon = await start()
    odd = aio_pika.Message(
        json.dumps(GOOD).encode(),
        headers={
            "dispatcher-attempt": "many",
            "dispatcher-done": "%%%",
            "dispatcher-not-before": "soon",
            "bytes": bytearray(b"\xff\xfe"),
            "x-death": "nonsense",
        },
        content_type="text/plain",
        content_encoding="utf-8",
        correlation_id="ä" * 50,
    )
    await publisher.channel.default_exchange.publish(odd, routing_key="email")
    await until(lambda: bool(daemon.settled()))
    (line,) = daemon.settled()

    assert ("accepted", 1) == (line["outcome"], line["attempt"])
    assert 1 == len(smtp.mails)
