"""From what a publisher wrote to an address that SMTP and a header can carry.

`ada@example.org`, `Ada Lovelace <ada@example.org>`, `"Lovelace, Ada" <ada@example.org>`, and more tolerant than
RFC 5322 where no doubt is possible: `Lovelace, Ada <ada@example.org>`. Each string is one address. Domains are turned
into their ASCII form (RFC 5891), so only a local part that is not ASCII asks for SMTPUTF8 (RFC 6531).
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import email_validator

from dispatcher.notifiers.email.headers import find_control, show_control
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.messages import shorten

# The library refuses `localhost`, `.test`, `.local` and their like by a list that it documents as ours to change. Where
# mail can go is known by the SMTP server, not by us.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

SHOWN_BYTES = 120
"""The most that a failure shows of a bad address, in bytes of UTF-8."""

LONGEST = 1000
"""The longest string that is looked at, in characters: an address has 320 at most, the rest is its name."""

LONGEST_ADDRESS = 254
"""The longest address, in characters (RFC 5321 4.5.3.1.3)."""

_LABEL = "[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){0,62}"
_USUAL = re.compile(rf"([a-z0-9!#$%&'*+/=?^_`{{|}}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{{|}}~-]+)*)@({_LABEL}(?:\.{_LABEL})*)")
"""Most addresses: nothing that the library would turn into lower case or encode, and nothing that it would refuse."""

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """An address that is ready to be used.

    Attributes:
        display: the name that goes with it, without quotes; may be empty.
        local: the part before the at sign, quoted where it must be.
        domain: the part after it, in ASCII.

    """

    display: str
    local: str
    domain: str

    @property
    def mailbox(self) -> str:
        """The address as MAIL and RCPT want it, without angle brackets."""
        return f"{self.local}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a server that offers SMTPUTF8 can take it."""
        return not self.local.isascii()


def parse_recipient(text: str) -> Address:
    """Read the address of a recipient.

    Raises:
        Failure: it is none (recipient, bad-address).

    """
    return _parse(text, Kind.RECIPIENT, "")


@lru_cache(maxsize=256)
def parse_sender(text: str, field: str) -> Address:
    """Read an address that all recipients will see: `from`, `reply_to`, the sender of the settings.

    Raises:
        Failure: it is none (content, bad-address); a control character in it (content, bad-header).

    """
    return _parse(text, Kind.CONTENT, f"{field}: ")


def _parse(text: str, kind: Kind, where: str) -> Address:
    control = find_control(text[: LONGEST + 1], allowed="")
    if control:
        reason = Reason.BAD_ADDRESS if kind is Kind.RECIPIENT else Reason.BAD_HEADER
        raise Failure(kind, reason, f"{where}{_shown(text)} holds {show_control(control)}")
    try:
        display, address = _split(text.strip())
        usual = _usual(address)
        if usual is not None:
            return Address(display, *usual)
        found = email_validator.validate_email(
            address,
            check_deliverability=False,
            allow_quoted_local=True,
            allow_smtputf8=True,
            globally_deliverable=False,
        )
    except ValueError as error:  # EmailNotValidError is one
        raise Failure(kind, Reason.BAD_ADDRESS, f"{where}{_shown(text)} is no e-mail address: {error}") from error
    return Address(display, found.local_part, found.ascii_domain)


def _usual(address: str) -> tuple[str, str] | None:
    """Give what stands before and after the at sign of an address that the library would leave as it is."""
    found = _USUAL.fullmatch(address)
    return (found[1], found[2]) if found and len(address) <= LONGEST_ADDRESS else None


def _split(text: str) -> tuple[str, str]:
    """Separate the name from the address; no angle brackets, no name."""
    if len(text) > LONGEST:
        raise ValueError(f"it has {len(text)} characters, {LONGEST} are the most")
    if not text.endswith(">"):
        return "", text
    display, _, address = text[:-1].rpartition("<")
    display = display.strip()
    quoted = _QUOTED.fullmatch(display)
    if quoted:
        return re.sub(r"\\(.)", r"\1", quoted[1]), address
    if "<" in display or ">" in display or ("@" in display and "," in display):
        raise ValueError("it holds more than one address; give a list of strings, one address in each")
    return " ".join(display.split()), address


def _shown(text: str) -> str:
    return repr(shorten(text, SHOWN_BYTES))
