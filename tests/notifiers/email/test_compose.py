"""From a notification and its texts to the bytes of a mail, and back through the standard library's parser."""

import base64
import hashlib
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import getaddresses, unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dispatcher.words.errors import Failure, Kind, Reason
from tests.notifiers.email.examples import read, texts, written

PNG = {"filename": "logo.png", "content": "iVBORw0KGgo=", "content_type": "image/png", "content_id": "logo"}
PDF = {"filename": "a.pdf", "content": "JVBERi0=", "content_type": "application/pdf"}

CONTROLS = ["\r", "\n", "\r\nBcc: eve@example.org", "\0", "\v", "\f", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"]

# How long an example takes says nothing on a busy machine.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# What one line of a header may hold: anything but controls, lone surrogates and line separators.
line = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=300)
anything = st.text(st.characters(exclude_categories=("Cs",)), max_size=2000)


def refusal(*args, **fields) -> Failure:
    with pytest.raises(Failure) as caught:
        written(*args, **fields)
    assert caught.value.kind is Kind.CONTENT
    return caught.value


def structure(message) -> object:
    if not message.is_multipart():
        return message.get_content_type()
    return [message.get_content_subtype(), *map(structure, message.iter_parts())]


def test_a_mail_has_the_headers_that_a_reader_expects():
    message = read(
        written(
            to=["Ada Lovelace <ada@example.org>", "bob@bücher.example"],
            cc="Carl <carl@example.org>",
            bcc="secret@example.org",
            reply_to=["help@example.org", '"Desk, Help" <desk@example.org>'],
            from_="Jürgen <j@example.net>",
            subject="Grüße",
        )
    )

    assert "Jürgen <j@example.net>" == message["From"]
    assert "Ada Lovelace <ada@example.org>, bob@xn--bcher-kva.example" == message["To"]
    assert "Carl <carl@example.org>" == message["Cc"]
    assert 'help@example.org, "Desk, Help" <desk@example.org>' == message["Reply-To"]
    assert "Grüße" == message["Subject"]
    assert "Sun, 01 Mar 2026 12:30:00 +0000" == message["Date"]
    assert "<id-1@example.net>" == message["Message-ID"]
    assert "1.0" == message["MIME-Version"]
    assert "auto-generated" == message["Auto-Submitted"]


def test_a_bcc_is_nowhere_in_the_bytes():
    assert b"secret" not in written(bcc="secret@example.org")


def test_without_a_from_the_sender_of_the_settings_is_the_author():
    assert "Dispatcher <noreply@example.org>" == read(written())["From"]


def test_the_subject_of_the_notification_wins_over_the_templates():
    assert "Mine" == read(written(subject="Mine"))["Subject"]
    assert "From the template" == read(written())["Subject"]
    assert "From the template" == read(written(subject=" "))["Subject"]


def test_no_subject_at_all_is_a_failure_that_names_the_template():
    failure = refusal(texts(None, txt="x"))

    assert Reason.NO_SUBJECT is failure.reason
    assert "email/hello" in failure.text


@pytest.mark.parametrize(
    ("by_format", "attachments", "expected"),
    [
        ({"txt": "a"}, [], "text/plain"),
        ({"html": "a"}, [], "text/html"),
        ({}, [], "text/plain"),
        ({"txt": "a", "html": "b"}, [], ["alternative", "text/plain", "text/html"]),
        ({"html": "b"}, [PNG], ["related", "text/html", "image/png"]),
        (
            {"txt": "a", "html": "b"},
            [PNG],
            ["alternative", "text/plain", ["related", "text/html", "image/png"]],
        ),
        (
            {"txt": "a", "html": "b"},
            [PNG, PDF],
            ["mixed", ["alternative", "text/plain", ["related", "text/html", "image/png"]], "application/pdf"],
        ),
        ({"txt": "a"}, [PNG], ["mixed", "text/plain", "image/png"]),
    ],
)
def test_the_parts_of_a_mail_stand_in_the_order_readers_choose_from(by_format, attachments, expected):
    message = read(written(texts(**by_format), attachments=attachments))

    assert expected == structure(message)


def test_attachments_arrive_byte_for_byte_with_their_names():
    content = bytes(range(256)) * 50
    wrapped = base64.encodebytes(content).decode()
    files = [{"filename": "Übersicht für März.pdf", "content": wrapped, "content_type": "application/pdf"}, PNG]

    message = read(written(texts(html="x"), attachments=files))

    pdf = next(message.iter_attachments())
    assert ("Übersicht für März.pdf", "attachment") == (pdf.get_filename(), pdf.get_content_disposition())
    assert content == pdf.get_content()
    image = next(part for part in message.walk() if part.get_content_type() == "image/png")
    assert ("<logo>", "inline", "logo.png") == (
        image["Content-ID"],
        image.get_content_disposition(),
        image.get_filename(),
    )


@pytest.mark.parametrize("name", ["Müller.pdf", "Übersicht " * 20, "100 % ü"])
def test_a_parameter_outside_ascii_in_a_content_type_arrives(name):
    given = f'text/csv; charset=utf-8 ;name="{name}"; header="present"'

    message = _checked(written(attachments=[PDF | {"content_type": given}]))

    params = next(message.iter_attachments())["Content-Type"].params
    assert {"charset": "utf-8", "name": name, "header": "present"} == dict(params)


@pytest.mark.parametrize(
    ("change", "reason", "place"),
    [
        ({"content": "no base64!"}, Reason.BAD_ATTACHMENT, "attachments.1.content is not base64"),
        ({"content": "ü"}, Reason.BAD_ATTACHMENT, "attachments.1.content is not base64"),
        ({"content_type": "pdf"}, Reason.BAD_ATTACHMENT, "attachments.1.content_type is not a MIME type"),
        ({"content_type": 'a/b; name*="ü"'}, Reason.BAD_ATTACHMENT, "attachments.1.content_type has letters"),
        ({"content_type": "a/b;\u00a0c=d"}, Reason.BAD_ATTACHMENT, "attachments.1.content_type is not a MIME type"),
        ({"content_type": "a/b" + "c" * 1000}, Reason.BAD_ATTACHMENT, "attachments.1.content_type"),
        ({"content_type": "message/rfc822"}, Reason.BAD_ATTACHMENT, "attachments.1.content_type"),
        ({"content_type": "multipart/mixed"}, Reason.BAD_ATTACHMENT, "attachments.1.content_type"),
        ({"content_id": "a b"}, Reason.BAD_HEADER, "attachments.1.content_id"),
        ({"content_id": "<>"}, Reason.BAD_HEADER, "attachments.1.content_id"),
    ],
)
def test_a_broken_attachment_is_named(change, reason, place):
    failure = refusal(attachments=[PDF, PDF | change])

    assert reason is failure.reason
    assert place in failure.text


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"subject": "a{}b"}, "subject"),
        ({"from_": "A{}da <ada@example.org>"}, "from"),
        ({"reply_to": "a{}da@example.org"}, "reply_to"),
        ({"headers": {"X-A": "a{}b"}}, "headers.X-A"),
        ({"headers": {"X-{}A": "a"}}, "a name in headers"),
        ({"attachments": [PDF | {"filename": "a{}b"}]}, "attachments.0.filename"),
        ({"attachments": [PDF | {"content_type": "text/plain{}"}]}, "attachments.0.content_type"),
        ({"attachments": [PNG | {"content_id": "a{}b"}]}, "attachments.0.content_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_line_break_gets_into_no_header(control, fields, place):
    filled = _fill(fields, control)

    failure = refusal(**filled)

    assert Reason.BAD_HEADER is failure.reason
    assert place in failure.text
    assert f"U+{ord(control[0]):04X}" in failure.text


def _fill(value, control):
    if isinstance(value, dict):
        return {_fill(key, control): _fill(item, control) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, control) for item in value]
    return value.replace("{}", control)


def test_a_line_break_in_the_templates_subject_is_refused_too():
    failure = refusal(texts("a\nBcc: eve@example.org", txt="x"))

    assert Reason.BAD_HEADER is failure.reason
    assert "the template's subject" in failure.text


@pytest.mark.parametrize("name", ["Bcc", "bcc", "From", "Received", "DKIM-Signature", "X-", "List-", "X Y", "Ünsafe"])
def test_a_header_that_is_not_allowed_is_named_with_those_that_are(name):
    failure = refusal(headers={name: "x"})

    assert Reason.BAD_HEADER is failure.reason
    assert f"headers.{name} is not allowed" in failure.text
    assert "List-…, X-…, Archived-At" in failure.text


def test_allowed_headers_are_written_whatever_their_case():
    long_link = "<https://example.org/" + "a" * 300 + ">"
    message = read(
        written(
            headers={
                "list-unsubscribe": long_link,
                "X-Note": "Grüße an alle " * 20,
                "REFERENCES": "<a@example.org> <b@example.org>",
                "X-Empty": "",
                "X-Tab": "a\tb",
            }
        )
    )

    assert long_link == message["List-Unsubscribe"]
    assert ("Grüße an alle " * 20).strip() == message["X-Note"]
    assert "<a@example.org> <b@example.org>" == message["References"]
    assert "" == message["X-Empty"]
    assert "a b" == message["X-Tab"]


def test_the_same_header_twice_is_refused():
    assert "given twice" in refusal(headers={"X-A": "1", "x-a": "2"}).text


def test_a_word_too_long_for_any_line_is_refused_in_an_extra_header():
    assert "too long for a line" in refusal(headers={"X-A": "a" * 1000}).text


def test_each_part_has_a_message_id_of_its_own_that_never_changes():
    fields = {"to": ["a@example.org", "b@example.org"], "parameters": [{}, {}]}

    ids = [read(written(at=at, **fields))["Message-ID"] for at in (0, 1, 1)]

    assert ["<id-1.0@example.org>", "<id-1.1@example.org>", "<id-1.1@example.org>"] == ids


@pytest.mark.parametrize("odd", ["a b", "a@b", "<x>", "ü", "a..b", "", "x" * 201, "a\r\nBcc: x"])
def test_an_id_that_fits_no_message_id_is_hashed(odd):
    expected = hashlib.sha256(odd.encode()).hexdigest()

    assert f"<{expected}@example.org>" == read(written(message_id=odd))["Message-ID"]


def test_the_same_draft_gives_the_same_bytes():
    fields = {"attachments": [PNG, PDF]}

    assert written(**fields) == written(**fields)


def test_addresses_that_are_none_are_not_shown():
    message = read(written(to=["nobody", "Ada <ada@example.org>"], cc=["also nobody"]))

    assert "Ada <ada@example.org>" == message["To"]
    assert message["Cc"] is None


def test_a_mail_whose_recipients_cannot_be_shown_is_to_nobody_in_public():
    assert "undisclosed-recipients:;" == read(written(to="nobody", bcc="ada@example.org"))["To"]


def test_an_address_outside_ascii_is_shown_only_where_the_server_takes_it():
    to = ["Grüße <grüße@example.org>", "ada@example.org"]

    assert "ada@example.org" == read(written(to=to))["To"]
    assert "<grüße@example.org>".encode() in written(to=to, utf8=True)


@pytest.mark.parametrize("field", ["from_", "reply_to"])
def test_an_author_outside_ascii_needs_a_server_that_takes_it(field):
    failure = refusal(**{field: "grüße@example.org"})

    assert Reason.NEEDS_SMTPUTF8 is failure.reason


def test_the_boundary_occurs_in_no_text():
    first = written(texts(txt="a", html="b"))
    boundary = read(first).get_boundary()

    message = read(written(texts(txt=f"--{boundary}\n--{boundary}--\n", html="b")))

    assert ["alternative", "text/plain", "text/html"] == structure(message)
    assert f"--{boundary}\n--{boundary}--\n" == _body(message, "plain")


def _body(message, subtype) -> str:
    part = message.get_body((subtype,))
    assert part is not None
    return part.get_content().replace("\r\n", "\n")


def _in_lines(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return lines if lines.endswith("\n") else f"{lines}\n"


def _checked(raw: bytes):
    """Parse what must be CR LF, seven bits, and no longer in a line than any server takes."""
    assert raw.isascii()
    assert b"\0" not in raw
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    return read(raw)


@patient
@given(plain=anything, html=anything)
def test_any_text_is_read_as_it_was_rendered(plain, html):
    message = _checked(written(texts(txt=plain, html=html)))

    assert _in_lines(plain) == _body(message, "plain")
    assert _in_lines(html) == _body(message, "html")


@pytest.mark.parametrize(
    "text", ["x" * 5000, "ü" * 5000, "a " * 5000, "..\n.\n. \n", "From here\n", "=20=\n", "a\0b", "\u2028", "a \t\n\n "]
)
def test_odd_texts_survive(text):
    assert _in_lines(text) == _body(_checked(written(texts(txt=text))), "plain")


@patient
@given(subject=line)
def test_any_subject_is_read_as_it_was_meant(subject):
    if not subject.strip():
        return

    message = _checked(written(subject=subject))

    assert subject.strip(" ") == message["Subject"]


@pytest.mark.parametrize(
    "subject", ["x" * 2000, "word " * 400, "=?utf-8?q?no?=", "a  b   c", "ü" * 500, "a" * 990 + " b", "😀" * 200]
)
def test_long_and_odd_subjects_survive(subject):
    assert subject.strip() == _checked(written(subject=subject))["Subject"]


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"subject": "x" * 10_000_000}, "subject has 10000000 characters"),
        ({"headers": {"X-A": "x " * 10_000}}, "headers.X-A has 20000 characters"),
        ({"headers": {"X" * 20_000: ""}}, "a name in headers has 20000 characters"),
    ],
)
def test_a_header_longer_than_any_server_takes_is_refused(fields, place):
    failure = refusal(**fields)

    assert Reason.BAD_HEADER is failure.reason
    assert place in failure.text
    assert len(failure.text) < 200


def test_a_tab_in_a_subject_becomes_a_space():
    assert "a b" == read(written(subject="a\tb"))["Subject"]


@patient
@given(name=line)
def test_any_name_is_read_as_it_was_meant(name):
    display = " ".join(name.split()).replace('"', "").replace("\\", "").replace("<", "").replace(">", "")
    if not display.strip() or "@" in display:
        return

    raw = written(to=[f'"{display}" <ada@example.org>', "bob@example.org"])
    _checked(raw)

    # The newer parser of Python 3.11 puts a space between adjacent encoded words of a name; the older one does not.
    (name, first), (_, second) = getaddresses([message_from_bytes(raw)["To"]])
    assert (display, "ada@example.org") == (str(make_header(decode_header(name))), first)
    assert "bob@example.org" == second


@patient
@example(filename='""')
@given(filename=line.filter(lambda text: len(text) <= 255))
def test_any_file_name_is_read_as_it_was_meant(filename):
    message = _checked(written(attachments=[PDF | {"filename": filename}]))

    # The parser strips it, and takes quotes around it for its own, encoded though they are.
    plain = filename.strip()
    assert next(message.iter_attachments()).get_filename().strip() in {plain, unquote(plain).strip()}


def test_hundreds_of_recipients_fold_into_lines_that_every_server_takes():
    to = [f"Somebody with a long name Nr. {number} <somebody{number}@example.org>" for number in range(300)]

    message = _checked(written(to=to))

    assert 300 == len(message["To"].addresses)


near = st.text("aüß@<>\"\\,;:=/*%'.[]() \t\r\n\0\x85\u00a0\u2028\u3000?_-bcdX1", max_size=40)
odd = st.text(max_size=40) | near
TYPES = st.builds("{}/{}; {}={}".format, *[odd | st.sampled_from(["a", "name", '"ü"', "name*0"])] * 4)


@patient
@given(
    attachment=st.fixed_dictionaries(
        {"filename": odd.filter(bool)},
        optional={"content": odd, "content_type": odd | TYPES, "content_id": odd.filter(bool)},
    ),
    headers=st.dictionaries(odd | odd.map("X-{}".format) | st.sampled_from(["References", "list-id"]), odd, max_size=2),
    subject=odd,
    addresses=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("to", "cc", "bcc", "from", "reply_to"),
            (odd | odd.map("{} <a@example.org>".format) | odd.map("{}@example.org".format)).filter(bool),
        ),
    ),
    utf8=st.booleans(),
)
def test_whatever_a_publisher_writes_is_a_mail_or_a_failure_of_its_own(attachment, headers, subject, addresses, utf8):
    fields = {"attachments": [{"content": "", **attachment}], "headers": headers, "subject": subject, **addresses}

    try:
        raw = written(**fields, utf8=utf8)
    except Failure as failure:
        assert failure.kind in {Kind.CONTENT, Kind.RECIPIENT}  # noqa: PT017
    else:
        assert b"\n" not in raw.replace(b"\r\n", b"")
