"""Pictures and files: what Telegram fetches, what is uploaded, and what is neither."""

import base64

import pytest

from dispatcher.notifiers.telegram.files import LIMITS
from dispatcher.words.errors import Kind, Reason
from tests.notifiers.telegram.examples import failed, judged, methods, refused, report


def file(content: bytes, filename="plan.pdf"):
    return {"filename": filename, "content": base64.b64encode(content).decode()}


@pytest.mark.parametrize(("field", "method"), [("photo", "sendPhoto"), ("document", "sendDocument")])
async def test_an_address_is_passed_on(server, notifier, field, method):
    await report(notifier, **{field: "https://example.org/a?b=1&c=ä"})

    assert [method] == methods(server)
    assert "https://example.org/a?b=1&c=ä" == server.requests[0].fields[field]
    assert "Hello" == server.requests[0].fields["caption"]


@pytest.mark.parametrize(("field", "method"), [("photo", "sendPhoto"), ("document", "sendDocument")])
async def test_a_file_is_uploaded_byte_for_byte_under_its_name(server, notifier, field, method):
    content = bytes(range(256)) * 100

    await report(notifier, **{field: file(content, 'Plän "1".pdf')})

    assert [method] == methods(server)
    upload = server.requests[0].files[field]
    assert content == upload.content
    assert upload.filename.startswith("Plän ")
    assert upload.filename.endswith(".pdf")
    assert "Hello" == server.requests[0].fields["caption"]


async def test_base64_may_be_written_in_lines(server, notifier):
    await report(notifier, document={"filename": "a", "content": "aGVs\r\nbG8=\n"})

    assert b"hello" == server.requests[0].files["document"].content


@pytest.mark.parametrize("content", ["%%%", "aGVsbG8", "aGVs-_8=", "ä", "", "====", "aGVsbG8=aGVs"])
async def test_what_is_no_base64_is_given_up(server, notifier, content):
    failure = await failed(notifier, document={"filename": "a", "content": content})

    assert (Kind.CONTENT, Reason.BAD_ATTACHMENT, None) == judged(failure)
    assert failure.text.startswith("document.content")
    assert [] == server.requests


@pytest.mark.parametrize("excess", [1, 3_000_000])
async def test_a_file_that_telegram_would_not_take_is_given_up(server, notifier, excess):
    failure = await failed(notifier, photo=file(bytes(LIMITS["photo"] + excess)))

    assert (Kind.CONTENT, Reason.TOO_LARGE, None) == judged(failure)
    assert "10,485,760" in failure.text
    assert [] == server.requests


async def test_a_file_of_just_the_size_is_sent(server, notifier):
    await report(notifier, photo=file(bytes(LIMITS["photo"])))

    assert LIMITS["photo"] == len(server.requests[0].files["photo"].content)


def test_documents_may_be_larger_than_pictures():
    assert {"photo": 10 << 20, "document": 50 << 20} == LIMITS


async def test_no_file_of_this_machine_leaves_it(server, notifier, tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_text("hunter2")

    for address in (
        str(secret),
        secret.as_uri(),
        "secret.png",
        "attach://photo",
        "AgACAgIAAxkBAAI",
        "https://",
        "http://[",
        "\x00",
    ):
        failure = await failed(notifier, photo=address)

        assert (Kind.CONTENT, Reason.MALFORMED, None) == judged(failure)
        assert "photo: must begin with http:// or https://" == failure.text
    assert [] == server.requests


async def test_a_refused_file_is_told(server, notifier):
    server.answer("sendDocument", refused(400, "Bad Request: wrong file identifier/HTTP URL specified"))

    failure = await failed(notifier, document="https://example.org/none.pdf")

    assert (Kind.CONTENT, Reason.BAD_ATTACHMENT, None) == judged(failure)
