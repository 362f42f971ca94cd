"""Whatever stands in a notification, the server gets the header that we wrote and the body that was rendered."""

import base64
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dispatcher.words.errors import Failure
from tests.notifiers.email.examples import report, texts, written

# Half a surrogate pair comes through no JSON, but from a template it may.
EVIL = ["\r", "\n", "\r\n", "\0", "\v", "\f", "\x85", "\u2028", "\u2029", "\x1c", "\x1d", "\x1e", "\ud800", "\udfff"]
TRICKY = ["\u202e", "\u2066", "\ufeff", "=?utf-8?q?=0D=0ABcc=3A_eve=40evil.example?=", "%0d%0a", "\\r\\n", "\r\n "]
INJECTED = "Bcc: eve@evil.example"
FILE = {"filename": "a", "content": "QUJD"}

PLACES = {
    "subject": lambda text: {"subject": f"a{text}b"},
    "from": lambda text: {"from_": f"A{text}b <ada@example.org>"},
    "to": lambda text: {"to": f"A{text}b <ada@example.org>"},
    "cc": lambda text: {"cc": f"A{text}b <bob@example.org>"},
    "bcc": lambda text: {"bcc": f"A{text}b <bob@example.org>"},
    "reply_to": lambda text: {"reply_to": f"A{text}b <ada@example.org>"},
    "headers.X-A": lambda text: {"headers": {"X-A": f"a{text}b"}},
    "a name in headers": lambda text: {"headers": {f"X-A{text}b": "a"}},
    "attachments.0.filename": lambda text: {"attachments": [FILE | {"filename": f"a{text}b"}]},
    "attachments.0.content_type": lambda text: {"attachments": [FILE | {"content_type": f"text/plain; name={text}"}]},
    "attachments.0.content_id": lambda text: {"attachments": [FILE | {"content_id": f"a{text}b"}]},
    "the template's subject": lambda text: {"rendered": texts(f"a{text}b", txt="Hello")},
    "the id": lambda text: {"message_id": f"a{text}b"},
}

OURS = {
    *("From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted", "X-A"),
    *("Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID"),
}


def names_in(raw: bytes) -> list[str]:
    """Give the names of the headers of a mail and of its parts, as any program sees them that breaks lines at CR LF."""
    blocks = [raw.partition(b"\r\n\r\n")[0]]
    blocks += [part.partition(b"\r\n\r\n")[0] for part in re.split(rb"\r\n--=_[0-9a-f]{32}\r\n", raw)[1:]]
    lines = [line for block in blocks for line in block.split(b"\r\n") if line and line[:1] not in b" \t"]
    return [line.partition(b":")[0].decode("ascii") for line in lines]


def check(raw: bytes) -> None:
    assert {name for name in names_in(raw) if not name.startswith("X-A")} <= OURS
    assert raw.replace(b"\r\n", b"").isascii()
    assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", raw.replace(b"\r\n", b""))
    top = names_in(raw.partition(b"\r\n\r\n")[0])
    assert len(top) == len(set(top))
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("evil", [*EVIL, *TRICKY], ids=ascii)
async def test_no_field_brings_a_header_of_its_own_to_the_server(server, notifier, place, evil):
    text = f"{evil}{INJECTED}"
    try:
        failures = (await report(notifier, **PLACES[place](text))).failures
    except Failure as failure:
        failures = {0: failure}
    except ValidationError:  # the contract lets no half of a pair through
        assert not evil.isprintable()
        return

    for failure in failures.values():
        assert failure.kind in {"content", "recipient"}
        assert failure.reason in {"bad-header", "bad-address", "bad-attachment"}
        assert place.split(".")[0] in failure.text or place in {"to", "cc", "bcc", "a name in headers"}
        assert len(failure.text) < 500
    for mail in server.mails:
        check(mail.data)
        assert "eve@evil.example" not in mail.recipients
        assert b"Hello" in mail.data.partition(b"\r\n\r\n")[2]
    assert server.mails or failures


@pytest.mark.parametrize("place", PLACES)
async def test_a_hundred_kilobytes_are_no_header(server, notifier, place):
    try:
        failures = (await report(notifier, **PLACES[place]("x " * 50_000))).failures
    except (Failure, ValidationError) as failure:  # a file name is cut short by the contract
        failures = {0: failure}

    assert len(str(failures.get(0, ""))) < 1000
    for mail in server.mails:
        check(mail.data)
    assert server.mails or failures


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.sampled_from(sorted(PLACES)), text=st.lists(st.sampled_from([*EVIL, *TRICKY, "a", ":", " ", INJECTED])))
def test_no_mixture_brings_a_header_of_its_own(place, text):
    try:
        raw = written(**PLACES[place]("".join(text)))
    except Failure as failure:
        assert failure.reason in {"bad-header", "bad-address", "bad-attachment"}  # noqa: PT017
    except ValidationError:
        assert not "".join(text).isprintable()
    else:
        check(raw)


def test_a_mail_may_be_as_large_as_the_settings_say_and_no_larger():
    content = base64.b64encode(b"x" * 30_000).decode()
    size = len(written(attachments=[FILE | {"content": content}]))

    assert size == len(written(attachments=[FILE | {"content": content}], max_size=size))
    for limit in (size - 1, 1000):
        with pytest.raises(Failure, match=rf"at least \d+ bytes, notifiers.email.max_size allows {limit}$") as refused:
            written(attachments=[FILE | {"content": content}], max_size=limit)
        assert ("content", "too-large") == (refused.value.kind, refused.value.reason)


async def test_a_mail_that_is_too_large_is_refused_before_the_server_is_asked(server, notifier_for):
    with pytest.raises(Failure, match=r"notifiers\.email\.max_size allows 10000"):
        await report(notifier_for(server, max_size=10_000), attachments=[FILE | {"content": "=" + " \n" * 50_000_000}])

    assert not server.sessions
