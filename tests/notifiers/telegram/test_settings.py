"""The section `notifiers.telegram`: what is there without it, and what makes no sense."""

import pytest
from pydantic import ValidationError

from dispatcher.notifiers.telegram import TelegramNotifier, TelegramSettings
from dispatcher.words.errors import SettingsError
from tests.conftest import Certificates


def test_without_a_token_it_is_off():
    assert "no token" == TelegramSettings().off
    assert "no token" == TelegramSettings(token="").off
    assert TelegramSettings(token="4711:x").off is None


@pytest.mark.parametrize("token", ["4711:hunter2 ", "4711:\nhunter2", "4711:hünter2"])
def test_a_token_is_one_word_and_not_shown(token):
    with pytest.raises(ValidationError, match="is no token; it is one word") as refused:
        TelegramSettings(token=token)

    assert "nter2" not in str(refused.value)


def test_the_paces_are_those_that_telegram_names():
    pace = TelegramSettings().pace

    assert ["1/s", "20/m", "30/s"] == [str(rate) for rate in (pace.chat, pace.group, pace.bot)]


@pytest.mark.parametrize(
    "address", ["", "api.telegram.org", "ftp://x.org", "https://", "https://x.org/?a=1", "https://a b"]
)
def test_the_api_is_at_an_address_of_the_web(address):
    with pytest.raises(ValidationError, match="api_url"):
        TelegramSettings(api_url=address)


def test_certificates_without_tls_are_refused(certificates: Certificates):
    with pytest.raises(ValidationError, match="write the api_url with https://"):
        TelegramSettings(api_url="http://127.0.0.1", ca_file=certificates.ca)


def test_a_certificate_that_is_none_is_said_when_the_notifier_is_made(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text("no certificate")

    with pytest.raises(SettingsError, match="ca_file"):
        TelegramNotifier(TelegramSettings(token="4711:x", ca_file=path))


def test_neither_the_settings_nor_the_notifier_show_the_token():
    settings = TelegramSettings(token="4711:hunter2")

    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()} {vars(TelegramNotifier(settings))}"


def test_an_address_that_goes_on_to_the_token_is_refused():
    with pytest.raises(ValidationError, match="write it without /bot at its end"):
        TelegramSettings(api_url="https://api.telegram.org/bot/")
