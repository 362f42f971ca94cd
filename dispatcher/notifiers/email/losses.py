"""What is said of a connection that ended, in a few words."""

import os
import ssl

import aiosmtplib

BROKEN_OFF = "the conversation was broken off"
"""Where the library cancelled itself, which nobody had asked for."""

LOST = "connection lost"
LATE = "no answer in time"
NO_SMTP = "an answer that is no SMTP"
UNASKED = "an answer that nobody asked for"
EARLY = "an answer before the end of the mail"


def describe(error: Exception) -> str:
    """Say in a few words what happened; most specific classes first."""
    connecting = isinstance(error, aiosmtplib.SMTPConnectError) and not isinstance(error, TimeoutError)
    cause = error.__cause__ if connecting and isinstance(error.__cause__, Exception) else error
    match cause:
        case aiosmtplib.SMTPResponseException():
            return f"{NO_SMTP} ({cause.message})"
        case ssl.SSLError():
            return _describe_tls(cause)
        case TimeoutError():
            return LATE
        case aiosmtplib.SMTPServerDisconnected():
            return LOST
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number).lower()  # the event loops word it differently
        case _:
            return str(cause) or type(cause).__name__


def _describe_tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted ({error.verify_message})"
    return f"TLS failed ({getattr(error, 'reason', None) or error})"
