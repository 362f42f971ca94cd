"""The mail catcher keeps what it gets and shows it, and nothing in a mail can do any harm."""

import json
import smtplib
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from helpers.mailcatcher import MailCatcher
from helpers.ports import free_port
from helpers.rabbitmq import ROOT

EVIL = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def running():
    with MailCatcher(smtp_port=free_port(), page_port=free_port(), kept=3) as catcher:
        yield catcher


@pytest.fixture
def catcher(running):
    running.clear()
    return running


def a_mail(**headers):
    mail = EmailMessage()
    mail["From"], mail["To"] = "Dispatcher <noreply@example.org>", "ada@example.org"
    mail["Subject"] = "Grüße"
    mail["Message-ID"] = "<one@example.org>"
    for name, value in headers.items():
        del mail[name]
        mail[name] = value
    mail.set_content("Just text")
    return mail


def send(catcher, mail):
    raw = mail if isinstance(mail, bytes) else mail.as_bytes(policy=SMTP)
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port) as client:
        client.sendmail("noreply@example.org", ["ada@example.org"], raw)


def get(catcher, path, method="GET", **headers):
    request = urllib.request.Request(catcher.page_url + path, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.headers, answer.read().decode()


def last(catcher):
    return f"mail/{catcher.mails[-1].number}"


def test_a_mail_is_listed(catcher):
    """On the page and as JSON, with subject, sender and recipients."""
    send(catcher, a_mail())

    assert "Grüße" in get(catcher, "")[1]
    (listed,) = json.loads(get(catcher, "api/messages")[1])
    assert listed["subject"] == "Grüße"
    assert listed["message_id"] == "<one@example.org>"
    assert listed["recipients"] == ["ada@example.org"]


def test_foreign_text_is_escaped_everywhere(catcher):
    """Subject, addresses, text, attachments, any header: none of it becomes HTML on our pages."""
    mail = a_mail(Subject=EVIL, To=f'"{EVIL}" <ada@example.org>', **{"X-Note": EVIL})
    mail.set_content(EVIL)
    mail.add_alternative(f"<p>{EVIL}</p>", subtype="html")
    mail.add_attachment(b"x", maintype="application", subtype="pdf", filename=EVIL)
    send(catcher, mail)

    for path in ("", last(catcher)):
        page = get(catcher, path)[1]
        assert "<script" not in page
        assert "&lt;script&gt;" in page


def test_the_html_of_a_mail_is_locked_up(catcher):
    """It is shown as it came, in a frame and with a policy that let nothing run and nothing be fetched."""
    mail = a_mail()
    mail.add_alternative(f"<p>{EVIL}</p><img src=http://example.org/pixel>", subtype="html")
    send(catcher, mail)

    assert f'<iframe sandbox src="/{last(catcher)}/html">' in get(catcher, last(catcher))[1]
    headers, html = get(catcher, f"{last(catcher)}/html")
    assert EVIL in html
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script" not in policy


def test_an_inline_image_is_shown(catcher):
    """It travels inside the HTML, so that the frame needs to fetch nothing."""
    mail = a_mail()
    mail.add_alternative('<img src="cid:logo@x"><img src="cid:gone">', subtype="html")
    mail.get_payload()[1].add_related(b"PNG", maintype="image", subtype="png", cid="<logo@x>")
    send(catcher, mail)

    html = get(catcher, f"{last(catcher)}/html")[1]

    assert 'src="data:image/png;base64,UE5H"' in html
    assert 'src="cid:gone"' in html


@pytest.mark.parametrize(
    "raw",
    [
        b"no header at all",
        b"",
        b"Subject: =?nonsense?Q?=FF?=\r\nTo: <<<>>>, ;;\r\nDate: never\r\nMessage-ID: [\r\n\r\n\xff\xfe",
        b"Content-Type: text/html; charset=no-such-set\r\n\r\n<p>\xe4</p>",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--y\r\n",
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%",
    ],
)
def test_a_broken_mail_is_shown_as_far_as_it_goes(catcher, raw):
    """Whatever came, the pages answer."""
    send(catcher, raw)

    for path in ("", "api/messages", last(catcher), f"{last(catcher)}/html", f"{last(catcher)}/source"):
        assert get(catcher, path)[0]["Content-Security-Policy"]


def test_the_source_is_what_came(catcher):
    """As plain text."""
    send(catcher, a_mail())

    headers, source = get(catcher, f"{last(catcher)}/source")

    assert headers.get_content_type() == "text/plain"
    assert "Message-ID: <one@example.org>" in source


def test_only_the_last_are_kept(catcher):
    """Memory is not for ever."""
    for number in range(5):
        send(catcher, a_mail(Subject=f"Mail {number}"))

    assert [mail.header("Subject") for mail in catcher.mails] == ["Mail 2", "Mail 3", "Mail 4"]


def test_delete_forgets_all(catcher):
    """And nothing else can be deleted."""
    send(catcher, a_mail())

    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(catcher, last(catcher), "DELETE")
    get(catcher, "api/messages", "DELETE")

    assert catcher.mails == []


@pytest.mark.parametrize("path", ["mail/0", "mail/x/html", "nothing", "mail/../etc", "mail//"])
def test_what_is_not_there_is_not_found(catcher, path):
    """404, in a sentence."""
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(catcher, path)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_foreign_name_for_this_address_is_refused(catcher, method):
    """A page elsewhere cannot read the mails by pointing its own name at us."""
    with pytest.raises(urllib.error.HTTPError, match="403"):
        get(catcher, "api/messages", method, Host="evil.example:8025")


def test_a_port_that_is_taken_is_no_obstacle():
    """The next best one is used, on the loopback interface only."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with MailCatcher(smtp_port=port, page_port=port) as catcher:
            assert port not in {catcher.smtp_port, int(catcher.page_url.split(":")[2].strip("/"))}
            send(catcher, a_mail())
            assert len(catcher.mails) == 1


def test_as_a_program_it_runs_until_it_is_ended():
    """It prints its addresses, and SIGTERM is its end."""
    command = [sys.executable, ROOT / "helpers" / "mailcatcher.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert "are shown on http://127.0.0.1:" in program.stdout.readline()
        program.terminate()
        assert program.wait(10) == 0
