"""What may come out of aiosmtplib, and what it becomes."""

import inspect
import ssl

import aiosmtplib
import pytest
from aiosmtplib import errors

from dispatcher.notifiers.email.connect import speaking
from dispatcher.notifiers.email.connection import Lost, Refused
from dispatcher.notifiers.email.losses import describe
from dispatcher.notifiers.email.replies import Phase

KNOWN = {
    "SMTPException": ("what",),
    "SMTPServerDisconnected": ("what",),
    "SMTPConnectError": ("what",),
    "SMTPTimeoutError": ("what",),
    "SMTPConnectTimeoutError": ("what",),
    "SMTPReadTimeoutError": ("what",),
    "SMTPNotSupported": ("what",),
    "SMTPResponseException": (550, "no"),
    "SMTPConnectResponseError": (554, "no"),
    "SMTPHeloError": (550, "no"),
    "SMTPDataError": (554, "no"),
    "SMTPAuthenticationError": (535, "no"),
    "SMTPSenderRefused": (550, "no", "ada@example.org"),
    "SMTPRecipientRefused": (550, "no", "ada@example.org"),
    "SMTPRecipientsRefused": ([],),
}
"""Each exception class of the library, with arguments for one."""


def test_the_library_has_grown_no_exception_that_we_do_not_know():
    defined = {
        name
        for name, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, Exception) and one.__module__ == errors.__name__
    }

    assert set(KNOWN) == defined
    assert all(issubclass(getattr(errors, name), aiosmtplib.SMTPException) for name in defined)


@pytest.mark.parametrize("name", KNOWN)
async def test_none_of_its_exceptions_gets_through(name):
    error = getattr(errors, name)(*KNOWN[name])

    with pytest.raises((Lost, Refused)) as caught, speaking(Phase.CONNECT):
        raise error

    expected = Refused if hasattr(error, "code") else Lost
    assert expected is type(caught.value)
    assert Phase.CONNECT is caught.value.phase


async def test_an_answer_that_is_no_smtp_is_a_loss():
    with pytest.raises(Lost, match="no SMTP"), speaking(Phase.CONNECT):
        raise errors.SMTPResponseException(-1, "Malformed SMTP response line: hello")


async def test_tls_that_fails_is_said_to_be_tls_wherever_it_fails():
    with pytest.raises(Lost) as caught, speaking(Phase.CONNECT):
        raise errors.SMTPConnectError("what") from ssl.SSLZeroReturnError(1, "closed", "reason")

    assert Phase.STARTTLS is caught.value.phase


def test_an_exception_without_words_is_told_by_its_name():
    assert "OSError" == describe(OSError())
