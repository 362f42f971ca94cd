"""The way in: what a server that is away, without TLS, or of another opinion about us means."""

import asyncio
import socket
import ssl
import threading
from unittest.mock import Mock

import pytest
import uvloop

from dispatcher.notifiers.email import EmailNotifier
from dispatcher.notifiers.email.connect import _own_address, hide, tls_context
from dispatcher.notifiers.email.settings import EmailSettings
from dispatcher.words.errors import Failure, Kind, Reason
from tests.notifiers.email.examples import send, settings, texts
from tests.smtp_server import CUT, HANG, SmtpServer

LOGIN = {"username": "ada", "password": "s3cret-pass"}
USERS = {"ada": "s3cret-pass"}


async def outage(notifier) -> Failure:
    """The outage that both a send and a check report."""
    with pytest.raises(Failure) as sent:
        await send(notifier)
    with pytest.raises(Failure) as checked:
        await notifier.check()
    assert sent.value.reason is checked.value.reason
    assert {Kind.OUTAGE} == {sent.value.kind, checked.value.kind}
    assert "s3cret" not in repr(sent.value)
    return sent.value


async def test_a_server_that_is_not_there_is_an_outage(notifier_for):
    server = SmtpServer()
    async with server:
        pass

    failure = await outage(notifier_for(server))

    assert Reason.SMTP_UNREACHABLE is failure.reason
    assert f"127.0.0.1:{server.port}: connection refused" == failure.text


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b"])
async def test_a_name_that_nobody_knows_is_an_outage(server, notifier_for, host):
    notifier = notifier_for(server)
    notifier._pool._connect._settings = EmailSettings(host=host)

    assert Reason.SMTP_UNREACHABLE is (await outage(notifier)).reason


@pytest.mark.parametrize("point", ["CONNECT", "EHLO"])
@pytest.mark.parametrize("answer", ["421 4.7.0 busy", "450 4.3.2 no", "554 5.7.1 not you", b"SSH-2.0-OpenSSH\r\n", CUT])
async def test_a_server_that_does_not_let_us_in_is_an_outage(server, notifier, point, answer):
    server.answer(point, answer, answer)

    assert Reason.SMTP_UNREACHABLE is (await outage(notifier)).reason
    assert {} == await send(notifier)


async def test_a_server_that_never_greets_is_left_in_time(server, notifier_for):
    server.answer("CONNECT", HANG, HANG)

    failure = await outage(notifier_for(server, timeouts={"connect": "100ms"}))

    assert "no answer in time" in failure.text


async def test_a_server_that_knows_no_ehlo_is_greeted_the_old_way(server, notifier):
    server.answer("EHLO", "502 5.5.1 what")

    assert {} == await send(notifier)

    assert ["EHLO us.example", "HELO us.example", "MAIL FROM:<noreply@example.org>"] == server.sessions[0].commands[:3]


@pytest.mark.parametrize(("tls", "words"), [("starttls", "starttls"), ("implicit", "implicit TLS")])
async def test_mails_go_through_tls_with_a_certificate_that_is_trusted(notifier_for, server_tls, ca_file, tls, words):
    async with SmtpServer(tls=server_tls, implicit=tls == "implicit", users=USERS) as server:
        notifier = notifier_for(server, tls=tls, ca_file=ca_file, **LOGIN)

        for _ in range(2):
            assert {} == await send(notifier)

        assert f"127.0.0.1:{server.port}, {words}, logged in as ada" == await notifier.check()
        assert server.sessions[0].secure
        assert "ada" == server.sessions[0].user
        assert [0, 0] == [mail.session for mail in server.mails]
        await notifier.close()


async def test_what_was_said_before_tls_does_not_count(notifier_for, server_tls, ca_file):
    async with SmtpServer(tls=server_tls) as server:
        notifier = notifier_for(server, tls="starttls", ca_file=ca_file)

        await send(notifier)

        assert ["EHLO", "STARTTLS", "EHLO", "MAIL"] == server.sessions[0].verbs()[:4]
        await notifier.close()


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_large_mail_goes_through_tls_whole(notifier_for, server_tls, ca_file, tls):
    async with SmtpServer(tls=server_tls, implicit=tls == "implicit") as server:
        notifier = notifier_for(server, tls=tls, ca_file=ca_file)

        assert {} == await send(notifier, rendered=texts(txt="0123456789\n" * 300_000))

        assert 3_300_000 <= len(server.mails[0].data)
        await notifier.close()


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
def test_mails_go_out_on_the_event_loop_of_the_daemon_too(server_tls, ca_file, tls):
    async def send_some() -> list[int]:
        secure = tls != "none"
        async with SmtpServer(tls=server_tls if secure else None, implicit=tls == "implicit") as server:
            notifier = EmailNotifier(settings(server, tls=tls, ca_file=ca_file if secure else None))
            for lines in (1, 300_000):
                assert {} == await send(notifier, rendered=texts(txt="0123456789\n" * lines))
            server.answer("DOT", CUT)
            with pytest.raises(Failure) as caught:
                await send(notifier)
            assert Kind.UNKNOWN is caught.value.kind
            await notifier.close()
            return [mail.message.get_content().count("\n") for mail in server.mails[:2]]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert [1, 300_000] == runner.run(send_some())


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_certificate_that_is_not_trusted_is_an_outage_unless_told_otherwise(notifier_for, server_tls, tls):
    async with SmtpServer(tls=server_tls, implicit=tls == "implicit") as server:
        strict, lax = notifier_for(server, tls=tls), notifier_for(server, tls=tls, verify_certificate=False)

        failure = await outage(strict)
        assert {} == await send(lax)

        assert Reason.SMTP_TLS is failure.reason
        assert "the certificate was not accepted" in failure.text
        await lax.close()


async def test_without_starttls_on_offer_nothing_is_sent_in_clear(server, notifier_for):
    notifier = notifier_for(server, tls="starttls", **LOGIN)

    failure = await outage(notifier)

    assert Reason.SMTP_TLS is failure.reason
    assert "does not offer STARTTLS" in failure.text
    assert ["EHLO"] == server.sessions[0].verbs()


@pytest.mark.parametrize("answer", ["454 4.7.0 not available", "501 5.5.4 no", CUT])
async def test_a_starttls_that_is_refused_is_an_outage(notifier_for, server_tls, ca_file, answer):
    async with SmtpServer(tls=server_tls) as server:
        server.answer("STARTTLS", answer, answer)

        assert Reason.SMTP_TLS is (await outage(notifier_for(server, tls="starttls", ca_file=ca_file))).reason
        assert [] == server.mails


async def test_a_server_without_tls_on_a_tls_port_is_an_outage(server, notifier_for):
    assert Reason.SMTP_TLS is (await outage(notifier_for(server, tls="implicit"))).reason


async def test_a_handshake_that_is_answered_in_clear_is_an_outage(notifier_for, ca_file):
    async with SmtpServer(keywords=("STARTTLS",)) as server:
        server.answer("STARTTLS", b"220 go\r\n", b"220 go\r\n")
        notifier = notifier_for(server, tls="starttls", ca_file=ca_file)

        # The server waits for a command, finds none that it knows in what the handshake holds, and answers in clear.
        with pytest.raises(Failure) as caught:
            await send(notifier_for(server, tls="starttls", ca_file=ca_file, timeouts={"connect": "300ms"}))

        assert (Kind.OUTAGE, Reason.SMTP_TLS) == (caught.value.kind, caught.value.reason)
        await notifier.close()


def test_tls_below_1_2_is_not_spoken():
    context = tls_context(EmailSettings(tls="implicit"))

    assert context is not None
    assert ssl.TLSVersion.TLSv1_2 == context.minimum_version
    assert context.check_hostname


def test_a_certificate_of_ours_is_loaded(authority, tmp_path):
    ours = authority.issue_cert("us.example")
    pem = tmp_path / "us.pem"
    pem.write_bytes(ours.private_key_and_cert_chain_pem.bytes())

    assert tls_context(EmailSettings(tls="implicit", cert_file=pem)) is not None


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN", "PLAIN"])
async def test_a_login_works_with_what_the_server_offers(notifier_for, mechanisms):
    async with SmtpServer(users=USERS, mechanisms=mechanisms) as server:
        notifier = notifier_for(server, **LOGIN)

        assert {} == await send(notifier)

        assert "ada" == server.sessions[0].user
        await notifier.close()


async def test_a_refused_login_names_the_user_and_tries_once(notifier_for):
    async with SmtpServer(users={"ada": "another"}) as server:
        failure = await outage(notifier_for(server, **LOGIN))

        assert Reason.SMTP_LOGIN is failure.reason
        assert "for user 'ada' with: 535 5.7.8 wrong" in failure.text
        assert ["EHLO", "AUTH"] == server.sessions[0].verbs()


async def test_a_refused_mechanism_leads_to_the_next(notifier_for):
    async with SmtpServer(users=USERS) as server:
        server.answer("AUTH", "504 5.5.4 not that one")
        notifier = notifier_for(server, **LOGIN)

        assert {} == await send(notifier)

        assert ["AUTH PLAIN", "AUTH LOGIN"] == [line[:10] for line in server.sessions[0].commands if line[:4] == "AUTH"]
        await notifier.close()


async def test_when_every_mechanism_is_refused_the_last_answer_is_told(notifier_for):
    async with SmtpServer(users=USERS) as server:
        server.answer("AUTH", "504 5.5.4 not that one", always=True)

        assert "504 5.5.4" in (await outage(notifier_for(server, **LOGIN))).text


@pytest.mark.parametrize("mechanisms", ["GSSAPI", ""])
async def test_a_server_without_a_login_that_we_know_is_an_outage(notifier_for, mechanisms):
    async with SmtpServer(users=USERS, mechanisms=mechanisms) as server:
        failure = await outage(notifier_for(server, **LOGIN))

        assert Reason.SMTP_LOGIN is failure.reason
        assert "plain, login, cram-md5" in failure.text


@pytest.mark.parametrize(
    "answer",
    [
        "535 5.7.8 ada/s3cret-pass is wrong",
        "535 5.7.8 AGFkYQBzM2NyZXQtcGFzcw== is wrong",
        "454 4.7.0 s3cret-pass s3cret-pass",
        b"odd s3cret-pass\r\n",
    ],
)
async def test_a_password_that_the_server_shows_us_goes_no_further(notifier_for, answer):
    async with SmtpServer(users=USERS) as server:
        server.answer("AUTH", answer, answer)

        failure = await outage(notifier_for(server, **LOGIN))

        assert "***" in failure.text
        assert "s3cret" not in failure.text
        assert "AGFkYQBzM2NyZXQtcGFzcw" not in failure.text


def test_an_empty_password_hides_nothing():
    assert "a b" == hide("a b", "", "")


def nameless(server, **changes) -> EmailNotifier:
    """A notifier whose settings say nothing about our name."""
    whole = settings(server, **changes)
    return EmailNotifier(whole.model_copy(update={"hostname": None}))


async def greeting(server, monkeypatch, machine, **changes) -> str:
    """What a notifier on a machine of this name says first."""
    monkeypatch.setattr(socket, "gethostname", lambda: machine)
    notifier = nameless(server, **changes)
    await send(notifier)
    await notifier.close()
    return server.sessions[-1].commands[0]


async def test_the_whole_name_of_the_machine_is_ours(server, monkeypatch):
    assert "EHLO mail-1.example.org" == await greeting(server, monkeypatch, "mail-1.example.org")


@pytest.mark.parametrize(
    "odd", ["my machine", "ada", "", "a_b.example", "-a.example", "192.0.2.1", "müller.example", "a." * 130 + "example"]
)
async def test_a_machine_without_a_whole_name_says_its_address(server, monkeypatch, odd):
    assert "EHLO [127.0.0.1]" == await greeting(server, monkeypatch, odd)


async def test_the_address_is_said_within_tls_too(monkeypatch, server_tls, ca_file):
    async with SmtpServer(tls=server_tls) as server:
        assert "EHLO [127.0.0.1]" == await greeting(server, monkeypatch, "ada", tls="starttls", ca_file=ca_file)
        assert 2 == server.sessions[0].commands.count("EHLO [127.0.0.1]")


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (("::1", 4, 0, 0), "[IPv6:::1]"),
        (("fe80::1%eth0", 4, 0, 2), "[IPv6:fe80::1]"),
        (("192.0.2.1", 4), "[192.0.2.1]"),
        (("", 0), "localhost"),
        (None, "localhost"),
    ],
)
def test_the_address_is_written_as_ehlo_takes_it(end, said):
    client = Mock()
    client.transport.get_extra_info.return_value = end

    assert said == _own_address(client)


async def test_no_name_is_looked_up_in_the_dns(server, monkeypatch):
    hanging = threading.Event()
    monkeypatch.setattr(socket, "getfqdn", lambda *_: hanging.wait(5))

    try:
        assert (await greeting(server, monkeypatch, "ada")).startswith("EHLO [")
    finally:
        hanging.set()
