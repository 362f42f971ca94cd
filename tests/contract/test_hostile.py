"""Bodies that are made to hurt: each is read or refused in a moment, since nothing else goes on meanwhile."""

import gzip
import json
from time import process_time
from typing import Any

import pytest

from dispatcher.contract.base import decode
from dispatcher.contract.email import EmailNotification
from dispatcher.words.errors import Failure

MOMENT = 3.0
"""Seconds; far more than is needed, for a machine that does much else."""

GOOD = {"template": "a", "to": "ada@example.org"}
MANY = 300_000


def body(**fields: Any) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


def raw(parameters: bytes) -> bytes:
    return b'{"template": "a", "to": "ada@example.org", "parameters": {"x": ' + parameters + b"}}"


REFUSED = {
    "wrong recipients": (body(to=[5] * MANY), "to: 300000 entries"),
    "wrong copies": (body(bcc=[5] * MANY), "bcc: 300000 entries"),
    "wrong answers": (body(reply_to=[{}] * MANY), "reply_to: 300000 entries"),
    "wrong parameters": (body(parameters=[5] * MANY), "parameters: 300000 entries"),
    "wrong headers": (body(headers={f"X-{at}": at for at in range(MANY)}), "headers: 300000 entries"),
    "wrong, not so many": (body(to=[5] * 20_000), "to: Input should be a valid string"),
    "attachments": (body(attachments=[{"filename": "a", "content": ""}] * 10_000), "attachments: "),
    "a long file name": (body(attachments=[{"filename": "a" * 100_000, "content": ""}]), "attachments.0.filename: "),
    "a long template": (body(template="a" * 100_000), "template: "),
    "a long locale": (body(locale="a-" * 50_000), "locale: "),
    "a line break in the locale": (body(locale="de\n"), "locale: "),
    "a line break in the template": (body(template="a\n"), "template: "),
    "nested lists": (raw(b"[" * 100_000 + b"]" * 100_000), "the body is not JSON in UTF-8: recursion limit"),
    "nested objects": (raw(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "the body is not JSON in UTF-8: recursion"),
    "a long number": (raw(b"9" * 100_000), "the body is not JSON in UTF-8: number out of range"),
    "no number": (raw(b"NaN"), "the body is not JSON in UTF-8"),
    "no finite number": (raw(b"-Infinity"), "the body is not JSON in UTF-8"),
    "half a surrogate pair": (raw(b'"\\ud800"'), "the body is not JSON in UTF-8"),
    "half a surrogate pair in bytes": (raw(b'"\xed\xa0\x80"'), "the body is not JSON in UTF-8"),
    "UTF-16": (json.dumps(GOOD).encode("utf-16"), "the body is not JSON in UTF-8"),
    "compressed": (gzip.compress(body()), "the body is not JSON in UTF-8: it is compressed, send it as it is"),
    "a compressed bomb": (gzip.compress(b" " * 50_000_000), "it is compressed"),
}

READ = {
    "ten thousand": body(to=[f"u{at}@x.org" for at in range(10_000)], parameters=[{"n": at} for at in range(10_000)]),
    "fields": body(**{f"field{at}": at for at in range(MANY)}),
    "parameters": body(parameters={f"name{at}": at for at in range(MANY)}),
    "a long text": body(parameters={"x": "y" * 50_000_000}),
    "a long fraction": raw(b"0." + b"3" * 100_000),
    "small lists": raw(b"[" + b"[]," * MANY + b"1]"),
    "the same name twice": b'{"template": "b", "template": "a", "to": "eve@example.org", "to": "ada@example.org"}',
}


@pytest.mark.parametrize(("hostile", "said"), REFUSED.values(), ids=REFUSED)
def test_what_keeps_no_contract_is_refused_in_a_moment_with_a_short_sentence(hostile: bytes, said: str):
    begun = process_time()
    with pytest.raises(Failure) as refused:
        decode(EmailNotification, hostile)

    assert process_time() - begun < MOMENT
    assert ("content", "malformed") == (refused.value.kind, refused.value.reason)
    assert said in refused.value.text
    assert len(refused.value.text) < 500


@pytest.mark.parametrize("hostile", READ.values(), ids=READ)
def test_what_is_only_large_is_read_in_a_moment(hostile: bytes):
    begun = process_time()
    notification, _ = decode(EmailNotification, hostile)
    parts = notification.parts()

    assert process_time() - begun < MOMENT
    assert "a" == notification.template
    assert len(notification.everyone) == len(parts)
