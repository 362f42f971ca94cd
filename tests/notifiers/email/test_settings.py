"""The section `notifiers.email`: defaults, refusals in sentences, secrets."""

from datetime import timedelta

import pytest
from pydantic import SecretStr, ValidationError

from dispatcher.notifiers.email import EmailNotifier, EmailSettings
from dispatcher.words.errors import SettingsError


def test_the_defaults_are_the_sandbox():
    settings = EmailSettings()

    assert ("localhost", 1025, "none") == (settings.host, settings.port, settings.tls)
    assert "Dispatcher <noreply@example.org>" == settings.sender
    assert (50, 100, timedelta(seconds=30)) == (settings.connections, settings.mails_per_connection, settings.idle)
    assert timedelta(minutes=2) == settings.timeouts.final_reply
    assert settings.verify_certificate


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"username": "ada"}, "password is missing"),
        ({"password": "s3cret"}, "username is missing"),
        ({"username": "a", "password": "s3cret", "host": "mail.example.org"}, "would show the password to the network"),
        ({"sender": "nobody"}, "sender: 'nobody' is no e-mail address"),
        ({"sender": "a\r\nBcc: b@example.org"}, "a line break"),
        ({"tls": "maybe"}, "'none', 'starttls' or 'implicit'"),
        ({"key_file": __file__}, "key_file needs cert_file"),
        ({"ca_file": __file__}, "have no use while tls is none"),
        ({"ca_file": "/nowhere/ca.pem", "tls": "starttls"}, "there is no file /nowhere/ca.pem"),
        ({"idle": "0s"}, "must be longer than nothing"),
        ({"idle": "soon"}, "is no duration"),
        ({"hostname": "two words"}, "is no host name"),
        ({"host": "smtp://mail"}, "is no name of a server"),
        ({"host": ""}, "is no name of a server"),
        ({"connections": 0}, "greater than or equal to 1"),
        ({"hots": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_setting_is_refused_with_a_sentence(changes, sentence):
    with pytest.raises(ValidationError) as caught:
        EmailSettings(**changes)

    assert sentence in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "127.8.9.1"])
def test_a_login_without_tls_is_allowed_on_this_machine(host):
    assert "ada" == EmailSettings(host=host, username="ada", password="s3cret").username


def test_a_password_is_stars_in_every_print():
    settings = EmailSettings(username="ada", password=SecretStr("s3cret"))

    for shown in (repr(settings), str(settings), repr(settings.model_dump()), settings.model_dump_json()):
        assert "s3cret" not in shown


def test_the_server_is_written_as_people_do():
    assert "localhost:1025" == EmailSettings().server
    assert "[::1]:25" == EmailSettings(host="::1", port=25).server


def test_a_certificate_that_cannot_be_read_is_said_before_the_first_connection():
    with pytest.raises(SettingsError, match=r"notifiers\.email: ca_file .*test_settings\.py cannot be used"):
        EmailNotifier(EmailSettings(tls="implicit", ca_file=__file__))
