"""A mail is kept as it came, taken apart for a person, and nothing in it can do any harm."""

import smtplib
from email.message import EmailMessage

import aiosmtplib
import pytest

EVIL = "<script>alert('x')</script>"
FILES = (
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\n"
    b"\r\nz\r\n--x\r\nContent-Disposition: attachment; filename*=no-such-set''%FF\r\n\r\n\xff\r\n--x--"
)


def test_a_mail_is_listed(send, http, a_mail):
    """With whom it is for, what it is about, how it begins, how large it is and when it came."""
    number = send(a_mail("Hello Ada,\n\nthis  is it."), "ada@example.org", "blind@example.org")

    listed = http.get("/api/messages").json()

    (message,) = listed["messages"]
    assert listed["total"] == 1
    assert message["id"] == number
    assert message["service"] == "email"
    assert message["to"] == ["ada@example.org", "blind@example.org"]
    assert message["title"] == "Grüße"
    assert message["preview"] == "Hello Ada, this is it."
    assert message["size"] == len(http.get(f"/api/messages/{number}/raw").content)
    assert message["arrived"].endswith("Z")


def test_a_mail_is_told_in_detail(send, http, a_mail):
    """Headers decoded, the envelope apart from them, text, files."""
    mail = a_mail(Cc="bob@example.org", **{"Reply-To": "help@example.org", "Date": "Sat, 21 Nov 2026 09:00:00 +0000"})
    mail.add_alternative("<p>Just HTML</p>", subtype="html")
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Ränge.pdf")

    detail = http.get(f"/api/messages/{send(mail)}").json()

    assert detail["from"] == "Dispatcher <noreply@example.org>"
    assert (detail["cc"], detail["reply_to"]) == ("bob@example.org", "help@example.org")
    assert (detail["subject"], detail["message_id"]) == ("Grüße", "<one@example.org>")
    assert detail["date"] == "Sat, 21 Nov 2026 09:00:00 +0000"
    assert detail["envelope"] == {"sender": "noreply@example.org", "recipients": ["ada@example.org"]}
    assert ["Subject", "Grüße"] in detail["headers"]
    assert detail["text"].strip() == "Just text"
    assert detail["html"] is True
    assert detail["files"] == [{"n": 0, "filename": "Ränge.pdf", "content_type": "application/pdf", "size": 4}]


def test_a_mail_without_a_text_is_read_from_its_html(send, http):
    """The preview is what a person sees, without styles and tags."""
    mail = EmailMessage()
    mail.set_content(
        "<head><title>T</title><style>p{color:red}</style></head><body><h1>Hi</h1><p>Ada &amp; Bob<br>x</p></body>",
        subtype="html",
    )

    (message,) = http.get(f"/api/messages?search=bob&before={send(mail) + 1}").json()["messages"]

    assert message["preview"] == "Hi Ada & Bob x"
    assert http.get(f"/api/messages/{message['id']}").json()["text"] is None


def test_the_html_of_a_mail_is_locked_up(send, http, a_mail):
    """It is shown as it came, with a policy that lets nothing run and nothing be fetched."""
    mail = a_mail()
    mail.add_alternative(f"<p>{EVIL}</p><img src=http://example.org/pixel>", subtype="html")

    answer = http.get(f"/api/messages/{send(mail)}/html")

    assert EVIL in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy == "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_inline_image_is_shown(send, http, a_mail):
    """It travels inside the HTML, so that the frame needs to fetch nothing."""
    mail = a_mail()
    mail.add_alternative('<img src="cid:logo@x"><img src="cid:gone">', subtype="html")
    mail.get_payload()[1].add_related(b"PNG", maintype="image", subtype="png", cid="<logo@x>")

    html = http.get(f"/api/messages/{send(mail)}/html").text

    assert 'src="data:image/png;base64,UE5H"' in html
    assert 'src="cid:gone"' in html


@pytest.mark.parametrize(
    ("content_type", "shown_as", "disposition"),
    [
        ("image/png", "image/png", "inline; filename*=UTF-8''a%22b%3Cscript%3E%2F.html"),
        ("text/html", "application/octet-stream", "attachment; filename*=UTF-8''a%22b%3Cscript%3E%2F.html"),
        ("image/svg+xml", "application/octet-stream", "attachment; filename*=UTF-8''a%22b%3Cscript%3E%2F.html"),
    ],
)
def test_a_file_is_handed_out_and_never_run(send, http, a_mail, content_type, shown_as, disposition):
    """Pictures may be shown; all else is for saving, whatever it says it is."""
    maintype, subtype = content_type.split("/")
    mail = a_mail()
    mail.add_attachment(b"<b>bytes", maintype=maintype, subtype=subtype, filename='a"b<script>/.html')

    answer = http.get(f"/api/messages/{send(mail)}/files/0")

    assert answer.content == b"<b>bytes"
    assert answer.headers["Content-Type"] == shown_as
    assert answer.headers["Content-Disposition"] == disposition
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "raw",
    [
        b"no header at all",
        b"",
        b"Subject: =?nonsense?Q?=FF?=\r\nTo: <<<>>>, ;;\r\nDate: never\r\nMessage-ID: [\r\n\r\n\xff\xfe",
        b"Content-Type: text/html; charset=no-such-set\r\n\r\n<p>\xe4</p>",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--y\r\n",
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%",
        FILES,
        b"Subject: \xff\xfe\r\nFrom: \xed\xa0\x80\r\n\r\n\xed\xa0\x80",
    ],
)
def test_a_broken_mail_is_shown_as_far_as_it_goes(send, http, raw):
    """Whatever came, everything about it can be asked."""
    number = send(raw)

    for path in ("/api/messages?search=x", f"/api/messages/{number}", f"/api/messages/{number}/raw"):
        assert http.get(path).status_code == 200
    for path in (f"/api/v1/messages/{number}", "/api/v1/messages", "/api/v2/search?kind=containing&query=x"):
        assert http.get(path).status_code == 200
    for path in (f"/api/messages/{number}/html", f"/api/messages/{number}/files/0", f"/api/messages/{number}/files/1"):
        assert http.get(path).status_code in {200, 404}


def test_the_source_is_what_came(send, http, a_mail):
    """As plain text, which no browser takes for anything else."""
    answer = http.get(f"/api/messages/{send(a_mail(EVIL))}/raw")

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Message-ID: <one@example.org>" in answer.text
    assert EVIL in answer.text


async def test_addresses_beyond_ascii_are_taken(sandbox, a_mail):
    """SMTPUTF8, 8BITMIME and SIZE are offered and work."""
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=sandbox.smtp_port) as connection:
        assert all(connection.supports_extension(name) for name in ("smtputf8", "8bitmime", "size"))
        await connection.sendmail(
            "ärger@example.org",
            ["jürgen@example.org"],
            "Subject: ä\r\n\r\nß".encode(),
            mail_options=["SMTPUTF8", "BODY=8BITMIME"],
        )

    (mail,) = sandbox.messages("email")
    assert (mail.sender, mail.recipients) == ("ärger@example.org", ("jürgen@example.org",))
    assert mail.raw == "Subject: ä\r\n\r\nß\r\n".encode()


def test_a_bounce_has_no_sender(sandbox, http):
    """The empty reverse path is taken, and shown as empty."""
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port) as connection:
        connection.sendmail("", ["ada@example.org"], b"Subject: x\r\n\r\n")

    (mail,) = sandbox.messages()
    assert http.get(f"/api/messages/{mail.id}").json()["envelope"]["sender"] == ""


def test_what_is_too_large_is_refused(sandbox):
    """By the size that is announced."""
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port) as connection:
        connection.ehlo()
        assert connection.mail("a@example.org", ["SIZE=67108865"])[0] == 552
        assert connection.mail("a@example.org", ["SIZE=67108864"])[0] == 250
