"""From what a publisher wrote to an address."""

import email_validator
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dispatcher.notifiers.email import addresses as module
from dispatcher.notifiers.email.addresses import LONGEST, Address, parse_recipient, parse_sender
from dispatcher.words.errors import Failure, Kind, Reason


@pytest.mark.parametrize(
    ("text", "display", "mailbox"),
    [
        ("ada@example.org", "", "ada@example.org"),
        ("  ada@example.org ", "", "ada@example.org"),
        ("<ada@example.org>", "", "ada@example.org"),
        ("Ada Lovelace <ada@example.org>", "Ada Lovelace", "ada@example.org"),
        ("Ada<ada@example.org>", "Ada", "ada@example.org"),
        ('"Lovelace, Ada" <ada@example.org>', "Lovelace, Ada", "ada@example.org"),
        ("Lovelace, Ada <ada@example.org>", "Lovelace, Ada", "ada@example.org"),
        (r'"Ada \"The First\" L" <ada@example.org>', 'Ada "The First" L', "ada@example.org"),
        ("Jürgen Groß <j@example.org>", "Jürgen Groß", "j@example.org"),
        ("ada@example.org <ada@example.org>", "ada@example.org", "ada@example.org"),
        ("ada@bücher.example", "", "ada@xn--bcher-kva.example"),
        ("Ada@EXAMPLE.org", "", "Ada@example.org"),
        ("root@localhost", "", "root@localhost"),
        ("a@host.test", "", "a@host.test"),
        ("a@printer.local", "", "a@printer.local"),
        ('"a b"@example.org', "", '"a b"@example.org'),
        ("ada+tag@example.org", "", "ada+tag@example.org"),
    ],
)
def test_an_address_is_read_as_it_was_meant(text, display, mailbox):
    address = parse_recipient(text)

    assert (display, mailbox) == (address.display, address.mailbox)
    assert not address.needs_smtputf8


def test_only_a_local_part_outside_ascii_needs_smtputf8():
    assert parse_recipient("grüße@bücher.example") == Address("", "grüße", "xn--bcher-kva.example")
    assert parse_recipient("grüße@bücher.example").needs_smtputf8


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not an address",
        "ada@",
        "@example.org",
        "ada@@example.org",
        "a@b@example.org",
        "ada@exa mple.org",
        "ada@-example.org",
        "ada@.org",
        "Ada <ada@example.org> x",
        "Ada <ada@example.org",
        "a <b@example.org>, c <d@example.org>",
        "a@example.org, Bob <b@example.org>",
        "ada@[127.0.0.1]",
        "x" * (LONGEST + 1),
        "<>",
        "a" * 65 + "@" + "b" * 250 + ".example",
    ],
)
def test_what_is_no_address_is_that_recipients_own_failure(text):
    with pytest.raises(Failure, match="no e-mail address") as caught:
        parse_recipient(text)

    assert (Kind.RECIPIENT, Reason.BAD_ADDRESS) == (caught.value.kind, caught.value.reason)


@pytest.mark.parametrize("char", ["\r", "\n", "\0", "\v", "\f", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("text", ["ada{}@example.org", "A{}da <ada@example.org>", "ada@example.org{}"])
def test_a_control_character_anywhere_in_an_address_is_refused(char, text):
    with pytest.raises(Failure, match=f"U\\+{ord(char):04X}") as caught:
        parse_recipient(text.format(char))
    assert (Kind.RECIPIENT, Reason.BAD_ADDRESS) == (caught.value.kind, caught.value.reason)

    with pytest.raises(Failure, match="from: ") as caught:
        parse_sender(text.format(char), "from")
    assert (Kind.CONTENT, Reason.BAD_HEADER) == (caught.value.kind, caught.value.reason)


def test_a_sender_that_is_no_address_is_the_contents_failure_and_names_the_field():
    with pytest.raises(Failure, match="reply_to: 'nobody' is no e-mail address") as caught:
        parse_sender("nobody", "reply_to")

    assert (Kind.CONTENT, Reason.BAD_ADDRESS) == (caught.value.kind, caught.value.reason)


@settings(deadline=None)
@given(st.text())
def test_whatever_is_written_is_an_address_or_a_failure(text):
    try:
        address = parse_recipient(text)
    except Failure as failure:
        assert failure.kind is Kind.RECIPIENT  # noqa: PT017
    else:
        assert address.domain.isascii()
        assert not any(char in address.mailbox for char in "\r\n\0<>")


label = st.text("abz019-", min_size=1, max_size=70) | st.sampled_from(
    ["example", "org", "xn--bcher-kva", "b" * 63, "1"]
)
local = st.text("azAZ09.+-_!'/=@ü\"", max_size=70) | st.sampled_from(
    ["info", "INFO", "www", "a" * 240, "", "a..b", ".a"]
)
nearly_usual = st.builds("{}@{}".format, local, st.lists(label, max_size=6).map(".".join))


@settings(deadline=None, derandomize=True, max_examples=3000)
@given(nearly_usual)
@example("a@" + ".".join(["b" * 63] * 4))
@example("a@" + ".".join(["b" * 60] * 4) + "." + "b" * 7)
@example("a@" + ".".join(["b" * 60] * 4) + "." + "b" * 8)
@example("a@b.ab--c")
@example("a@b.c\n")
def test_an_address_that_is_usual_is_what_the_library_makes_of_it(text):
    """The short way gives what the long one does, or nothing."""
    usual = module._usual(text)

    if usual is not None:
        found = email_validator.validate_email(
            text, check_deliverability=False, allow_quoted_local=True, globally_deliverable=False
        )
        assert (found.local_part, found.ascii_domain) == usual


def test_usual_addresses_go_the_short_way():
    assert ("ada.lovelace+tag", "mail.example-1.org") == module._usual("ada.lovelace+tag@mail.example-1.org")
