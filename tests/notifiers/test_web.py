"""What the notifiers that speak HTTP have in common."""

import pytest

from dispatcher.notifiers.slack import SlackNotifier, SlackSettings
from dispatcher.notifiers.telegram import TelegramNotifier, TelegramSettings
from dispatcher.notifiers.web import proxy_for
from dispatcher.words.errors import SettingsError


@pytest.mark.parametrize(
    ("written", "proxy"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("HTTPS://proxy.example", "HTTPS://proxy.example"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("", None),
    ],
)
def test_the_proxy_is_that_of_the_environment_for_the_scheme(monkeypatch, written, proxy):
    monkeypatch.setenv("https_proxy", written)

    assert proxy == proxy_for("https://slack.com/api")
    assert None is proxy_for("http://slack.com/api")


def test_there_is_none_for_whom_the_environment_leaves_out(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.example")
    monkeypatch.setenv("no_proxy", "slack.com")

    assert None is proxy_for("https://slack.com/api")
    assert "http://proxy.example" == proxy_for("https://api.telegram.org")


@pytest.mark.parametrize(
    ("notifier", "host"),
    [
        (lambda: TelegramNotifier(TelegramSettings(token="1:a")), "api.telegram.org"),
        (lambda: SlackNotifier(SlackSettings(token="xoxb-1")), "slack.com"),
        (lambda: SlackNotifier(SlackSettings(webhooks={"a": "https://hooks.slack.com/services/x"})), "slack.com"),
    ],
)
def test_one_that_nobody_speaks_to_is_a_sentence_without_its_password(monkeypatch, notifier, host):
    monkeypatch.setenv("https_proxy", "socks5://ada:secret@proxy.example")

    with pytest.raises(SettingsError) as caught:
        notifier()

    assert (
        f"the environment names a proxy that begins with socks5:// for {host}; write one that begins with http:// in "
        f"https_proxy, or {host} in no_proxy"
    ) == str(caught.value)
