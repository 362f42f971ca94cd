"""A sandbox that runs, and programs that talk to it over real sockets."""

import smtplib
from email.message import EmailMessage
from email.policy import SMTP

import httpx
import pytest

from helpers.ports import free_port
from helpers.sandbox import Sandbox


@pytest.fixture(scope="package")
def running():
    with Sandbox(smtp_port=free_port(), http_port=free_port()) as sandbox:
        yield sandbox


@pytest.fixture(scope="package")
def asking(running):
    with httpx.Client(base_url=running.url, timeout=10) as client:
        yield client


@pytest.fixture
def sandbox(running, asking):
    """Nothing is in it, and nothing goes wrong."""
    running.clear()
    asking.delete("/faults").raise_for_status()
    return running


@pytest.fixture
def http(asking, sandbox):
    """Asks it over HTTP."""
    return asking


@pytest.fixture
def send(sandbox):
    """Hands in a mail: `send(mail, *recipients)`."""

    def send(mail, *recipients):
        raw = mail if isinstance(mail, bytes) else mail.as_bytes(policy=SMTP)
        with smtplib.SMTP("127.0.0.1", sandbox.smtp_port) as connection:
            connection.sendmail("noreply@example.org", recipients or ["ada@example.org"], raw)
        return sandbox.messages()[-1].id

    return send


@pytest.fixture
def a_mail():
    """Makes a mail: `a_mail(Subject="…")`."""

    def a_mail(text="Just text", **headers):
        mail = EmailMessage()
        mail["From"], mail["To"] = "Dispatcher <noreply@example.org>", "ada@example.org"
        mail["Subject"] = "Grüße"
        mail["Message-ID"] = "<one@example.org>"
        for name, value in headers.items():
            del mail[name]
            mail[name] = value
        mail.set_content(text)
        return mail

    return a_mail
