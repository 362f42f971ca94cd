"""The section of the settings: a token and webhooks, from the file, the environment or secret files."""

import json
from pathlib import Path

import pytest

from dispatcher.config import setup
from dispatcher.words.errors import SettingsError
from tests.conftest import Certificates

ADDRESS = "https://hooks.slack.com/services/T0/B0/kEy"
SECRET = "T0/B0/kEy"
VARIABLE = "DISPATCHER_NOTIFIERS__SLACK__"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def slack(**values):
    return setup({"notifiers": {"slack": values}}).notifiers.slack


def webhooks(settings) -> dict[str, str]:
    return {name: address.get_secret_value() for name, address in settings.webhooks.items()}


def refusal(**values) -> str:
    with pytest.raises(SettingsError) as caught:
        slack(**values)
    return str(caught.value)


def test_without_a_token_and_webhooks_the_queue_is_off():
    assert "no token and no webhook" == slack().off
    assert "no token and no webhook" == slack(token="").off
    assert slack(token="xoxb-1").off is None
    assert slack(webhooks={"ops": ADDRESS}).off is None


def test_certificates_where_nothing_has_tls_are_refused(certificates: Certificates):
    plain = {"api_url": "http://127.0.0.1/api", "ca_file": str(certificates.ca)}

    assert "write the api_url with https://" in refusal(**plain, webhooks={"ops": "http://127.0.0.1/services/a"})
    assert slack(**plain, webhooks={"ops": ADDRESS}).ca_file == certificates.ca


class TestWebhooks:
    def test_stand_in_the_file(self, folder):
        (folder / "dispatcher.yml").write_text(f"notifiers: {{slack: {{webhooks: {{alerts: '{ADDRESS}'}}}}}}")

        assert {"alerts": ADDRESS} == webhooks(setup().notifiers.slack)

    def test_or_each_in_a_variable_which_gives_small_letters(self, monkeypatch):
        monkeypatch.setenv(f"{VARIABLE}WEBHOOKS__ALERTS", ADDRESS)
        monkeypatch.setenv(f"{VARIABLE}WEBHOOKS__NIGHT_SHIFT", f"{ADDRESS}2")

        assert {"alerts": ADDRESS, "night_shift": f"{ADDRESS}2"} == webhooks(slack())

    def test_or_all_in_one_variable(self, monkeypatch):
        monkeypatch.setenv(f"{VARIABLE}WEBHOOKS", json.dumps({"alerts": ADDRESS}))

        assert {"alerts": ADDRESS} == webhooks(slack())

    def test_or_all_in_a_secret_file(self, folder, monkeypatch):
        (folder / "webhooks.json").write_text(json.dumps({"alerts": ADDRESS}) + "\n")

        assert {"alerts": ADDRESS} == webhooks(slack(webhooks_file="webhooks.json"))
        monkeypatch.setenv(f"{VARIABLE}WEBHOOKS_FILE", "webhooks.json")
        assert {"alerts": ADDRESS} == webhooks(slack())

    def test_of_the_environment_win_over_those_of_the_file_and_join_them(self, monkeypatch):
        monkeypatch.setenv(f"{VARIABLE}WEBHOOKS__ALERTS", f"{ADDRESS}2")

        assert {"alerts": f"{ADDRESS}2", "ops": ADDRESS} == webhooks(
            slack(webhooks={"alerts": ADDRESS, "ops": ADDRESS})
        )

    def test_have_names_in_which_capitals_make_no_difference(self, monkeypatch):
        assert {"alerts": ADDRESS} == webhooks(slack(webhooks={"Alerts": ADDRESS}))
        monkeypatch.setenv(f"{VARIABLE}WEBHOOKS__ALERTS", ADDRESS)
        said = refusal(webhooks={"Alerts": ADDRESS})
        expected = "notifiers.slack.webhooks: alerts is there twice: capitals make no difference; write it alerts"
        assert expected == said

    @pytest.mark.parametrize("name", ["", "o ps", "ops\n", "a/b", "ops:x"])
    def test_have_names_that_can_be_written_in_a_message(self, name):
        assert "is no name of a webhook" in refusal(webhooks={name: ADDRESS})

    @pytest.mark.parametrize(
        "address",
        [
            "",
            "T0/B0/kEy",
            "hooks.slack.com/T0/B0/kEy",
            "ftp://x/T0/B0/kEy",
            "https:///T0/B0/kEy",
            "http://x:0/T0/B0/kEy",
            "http://x:y/T0/B0/kEy",
            "https://x/T0/B0/kEy ",
            "https://x/\nT0/B0/kEy",
            "https://[x/T0/B0/kEy",
            "xoxb-T0/B0/kEy",
        ],
    )
    def test_have_an_address_of_the_web_and_no_error_shows_it(self, address):
        said = refusal(webhooks={"ops": address})

        assert (
            "notifiers.slack.webhooks: ops is no address of a webhook; write it like https://hooks.slack.com/" in said
        )
        assert SECRET not in said

    @pytest.mark.parametrize("text", [SECRET, '{"alerts": "T0/B0/kEy"', '["T0/B0/kEy"]', "3"])
    def test_that_are_no_json_in_a_secret_file_are_refused_and_not_shown(self, folder, text):
        (folder / "webhooks.json").write_text(text)

        said = refusal(webhooks_file="webhooks.json")

        assert said.startswith("notifiers.slack.webhooks: ")
        assert SECRET not in said


class TestTheToken:
    def test_comes_from_a_secret_file(self, folder, monkeypatch):
        (folder / "token").write_text("xoxb-1\n")
        (folder / "dispatcher.yml").write_text("notifiers: {slack: {token_file: token}}")

        token = setup().notifiers.slack.token
        assert token is not None
        assert "xoxb-1" == token.get_secret_value()
        monkeypatch.setenv(f"{VARIABLE}TOKEN", "xoxb-2")
        token = setup().notifiers.slack.token
        assert token is not None
        assert "xoxb-2" == token.get_secret_value()

    @pytest.mark.parametrize("token", ["xoxb-secret 1", "xoxb-secret\n", "xoxb-secrét", "\x00"])
    def test_that_could_not_be_sent_is_refused_and_not_shown(self, token):
        said = refusal(token=token)

        assert "notifiers.slack.token: is no token; it is one word, without spaces and line breaks" == said

    def test_is_shown_nowhere(self):
        settings = slack(token="xoxb-secret", webhooks={"ops": ADDRESS})

        for shown in (repr(settings), str(settings), settings.model_dump_json()):
            assert "xoxb-secret" not in shown
            assert SECRET not in shown
