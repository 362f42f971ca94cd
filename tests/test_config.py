"""From the configuration to the settings."""

import errno
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from dispatcher.config import SHIPPED_TEMPLATES, setup
from dispatcher.settings import Settings
from dispatcher.words.errors import SettingsError

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with nothing in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(values: object = None, **more: object) -> str:
    with pytest.raises(SettingsError) as refused:
        setup(values, **more)
    return str(refused.value)


def test_no_file_at_all_means_the_promised_defaults():
    settings = setup()
    email, rabbitmq = settings.notifiers.email, settings.brokers.rabbitmq

    assert "amqp://guest:guest@localhost:5672/" == rabbitmq.url.get_secret_value()
    assert 100 == rabbitmq.prefetch
    assert [10, 60, 600, 3_600, 21_600] == [rung.total_seconds() for rung in settings.service.retry.ladder]
    assert timedelta(seconds=30) == settings.service.drain_timeout
    assert ("localhost", 1025, "none") == (email.host, email.port, email.tls)
    assert "Dispatcher <noreply@example.org>" == email.sender


def test_what_is_exported_on_this_machine_is_kept_from_the_tests():
    exported = {"DISPATCHER_BROKERS__RABBITMQ__URL": "amqp://x/", "DISPATCHER_CONFIG_FILE": "nowhere.yml"}
    name = test_no_file_at_all_means_the_promised_defaults.__name__
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{__file__}::{name}"],
        cwd=Path(__file__).parent.parent,
        env=os.environ | exported,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout


def test_without_a_folder_of_templates_the_shipped_ones_are_used():
    assert (setup().service.templates.path / "email" / "confirm_email.html.jinja2").exists()


def test_a_folder_of_templates_in_the_current_one_is_used(empty_folder: Path):
    (empty_folder / "templates").mkdir()

    assert Path("templates") == setup().service.templates.path


def test_a_file_in_the_current_folder_is_found(empty_folder: Path):
    (empty_folder / "dispatcher.yml").write_text("notifiers: {email: {host: mail.example.org}}")

    assert "mail.example.org" == setup().notifiers.email.host


def test_a_file_can_be_named(empty_folder: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("a", "b"):
        (empty_folder / f"{name}.yml").write_text(f"notifiers: {{email: {{host: {name}}}}}")
    monkeypatch.setenv("DISPATCHER_CONFIG_FILE", "a.yml")

    assert "a" == setup().notifiers.email.host
    assert "b" == setup(file_path="b.yml").notifiers.email.host


def test_values_from_python_do_the_same():
    settings = setup({"service": {"retry": {"ladder": ["1s", "1m30s"]}, "drain_timeout": 5}})

    assert (timedelta(seconds=1), timedelta(seconds=90)) == settings.service.retry.ladder
    assert timedelta(seconds=5) == settings.service.drain_timeout


def test_an_empty_file_is_like_none(empty_folder: Path):
    (empty_folder / "dispatcher.yml").write_text("# nothing\n")

    assert setup() == setup({})


def test_sections_with_everything_commented_out_are_like_none(empty_folder: Path):
    (empty_folder / "dispatcher.yml").write_text("service:\n  # drain_timeout: 5s\nnotifiers:\n  email:\n")

    assert setup() == setup({})


class TestAFolderThatMayNotBeEntered:
    """`sudo -u dispatcher dispatcher run`, in the home of root."""

    @pytest.fixture(autouse=True)
    def closed(self, empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        stat = Path.stat

        def refuse(path: Path, **options: bool) -> os.stat_result:
            if not path.is_absolute():
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return stat(path, **options)

        monkeypatch.setattr(Path, "stat", refuse)

    def test_is_said_in_a_sentence(self):
        assert "dispatcher.yml cannot be looked for: you may not enter the current folder" in refusal()

    def test_is_no_trouble_where_the_file_is_named(self, empty_folder: Path):
        (empty_folder / "a.yml").write_text("")

        assert SHIPPED_TEMPLATES == setup(file_path=empty_folder / "a.yml").service.templates.path


def test_the_environment_wins_over_the_file(empty_folder: Path, monkeypatch: pytest.MonkeyPatch):
    (empty_folder / "dispatcher.yml").write_text("notifiers: {email: {host: a, port: 25}}")
    monkeypatch.setenv("DISPATCHER_NOTIFIERS__EMAIL__HOST", "b")
    monkeypatch.setenv("DISPATCHER_SERVICE__RETRY__LADDER", '["1s", "2s"]')
    settings = setup()

    assert ("b", 25) == (settings.notifiers.email.host, settings.notifiers.email.port)
    assert 2 == len(settings.service.retry.ladder)


@pytest.mark.parametrize("text", ["1s,2s", "1s, 2s", '["1s", "2s"]'])
def test_a_ladder_fits_into_a_variable(text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISPATCHER_SERVICE__RETRY__LADDER", text)

    assert (timedelta(seconds=1), timedelta(seconds=2)) == setup().service.retry.ladder


def test_variables_of_others_with_our_name_are_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISPATCHER_SERVICE_HOST", "10.0.0.1")  # Kubernetes, for a service called dispatcher
    monkeypatch.setenv("DISPATCHER_PORT", "tcp://10.0.0.1:8070")

    assert setup() == setup({})


def test_paths_in_a_file_are_relative_to_its_folder(empty_folder: Path):
    folder = empty_folder / "etc"
    folder.mkdir()
    (folder / "my.yml").write_text("service: {templates: {path: tpl}}")

    assert folder / "tpl" == setup(file_path=folder / "my.yml").service.templates.path


class TestSecrets:
    """They come from files, and are never shown."""

    VALUES: ClassVar = {
        "brokers": {"rabbitmq": {"url": f"amqp://ada:{SECRET}@mq.example/"}},
        "notifiers": {"email": {"username": "ada", "password": SECRET}},
    }

    def test_a_secret_comes_from_a_file(self, empty_folder: Path):
        (empty_folder / "smtp").write_text(f"{SECRET}\n")
        (empty_folder / "dispatcher.yml").write_text("notifiers: {email: {username: ada, password_file: smtp}}")
        password = setup().notifiers.email.password

        assert password is not None
        assert SECRET == password.get_secret_value()

    def test_the_file_can_be_named_in_the_environment(self, empty_folder: Path, monkeypatch: pytest.MonkeyPatch):
        (empty_folder / "url").write_text("amqp://x:y@mq.example/shop")
        monkeypatch.setenv("DISPATCHER_BROKERS__RABBITMQ__URL_FILE", str(empty_folder / "url"))

        assert "amqp://mq.example:5672/shop" == setup().brokers.rabbitmq.address

    def test_a_variable_wins_over_a_secret_file_of_the_configuration(
        self, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
    ):
        (empty_folder / "smtp").write_text("old")
        (empty_folder / "dispatcher.yml").write_text("notifiers: {email: {username: ada, password_file: smtp}}")
        monkeypatch.setenv("DISPATCHER_NOTIFIERS__EMAIL__PASSWORD", "new")
        password = setup().notifiers.email.password

        assert password is not None
        assert "new" == password.get_secret_value()

    def test_an_empty_file_is_no_secret(self, empty_folder: Path, monkeypatch: pytest.MonkeyPatch):
        """A unit of systemd names all files that there may be, and makes those that are not there of a line break."""
        (empty_folder / "none").write_text("\n")
        (empty_folder / "smtp").write_text("old")
        (empty_folder / "dispatcher.yml").write_text("notifiers: {email: {username: ada, password_file: smtp}}")
        for variable in ("TELEGRAM__TOKEN_FILE", "SLACK__WEBHOOKS_FILE", "EMAIL__PASSWORD_FILE"):
            monkeypatch.setenv(f"DISPATCHER_NOTIFIERS__{variable}", str(empty_folder / "none"))
        notifiers = setup().notifiers

        assert ("no token", "no token and no webhook") == (notifiers.telegram.off, notifiers.slack.off)
        assert notifiers.email.password is not None
        assert "old" == notifiers.email.password.get_secret_value()

    def test_a_secret_and_its_file_are_too_much(self):
        said = refusal({"notifiers": {"email": {"username": "ada", "password": SECRET, "password_file": "x"}}})

        assert "notifiers.email.password: give either password or password_file, not both" == said

    def test_a_file_that_cannot_be_read_is_said(self):
        said = refusal({"notifiers": {"email": {"username": "ada", "password_file": "nowhere"}}})

        assert "notifiers.email.password_file: nowhere cannot be read: No such file or directory" == said

    def test_no_repr_and_no_dump_shows_them(self):
        settings = setup(self.VALUES)

        for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump())):
            assert SECRET not in shown

    @pytest.mark.parametrize(
        "wrong",
        [
            {"notifiers": {"email": {"username": "ada", "password": SECRET, "port": "x"}}},
            {"notifiers": {"email": {"username": "ada", "password": SECRET, "hsot": "x"}}},
            {"notifiers": {"email": {"password": SECRET}}},
            {"notifiers": {"email": {"username": "ada", "password": {"is": SECRET}}}},
            {"brokers": {"rabbitmq": {"url": f"http://ada:{SECRET}@mq.example/"}}},
            {"brokers": {"rabbitmq": {"url": [SECRET]}}},
            {"brokers": SECRET},
        ],
    )
    def test_no_error_shows_them(self, wrong: dict[str, object]):
        assert SECRET not in refusal(wrong)

    def test_no_error_about_the_environment_shows_them(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("DISPATCHER_NOTIFIERS", f"{{{SECRET}")

        assert "an environment variable cannot be read: " in refusal()
        assert SECRET not in refusal()

    def test_no_error_about_a_broken_file_shows_them(self, empty_folder: Path):
        (empty_folder / "dispatcher.yml").write_text(f"password: {SECRET}\n  broken: [")

        assert "the configuration dispatcher.yml is not YAML" in refusal()
        assert SECRET not in refusal()


class TestSentences:
    """What is wrong is said so that it can be mended."""

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("service: 2024-13-45", "the configuration dispatcher.yml is not YAML"),
            ("service: &a {x: *a}", "the configuration dispatcher.yml has a section that contains itself"),
            ("service: {drain_timeout: .inf}", "service.drain_timeout: inf is no duration"),
            ("service: {drain_timeout: 99999999999999d}", "service.drain_timeout: '99999999999999d' is no duration"),
            ('notifiers: {email: {username: a, password_file: "a\\0b"}}', "notifiers.email.password_file: "),
        ],
    )
    def test_an_odd_file_is_a_sentence_too(self, empty_folder: Path, text: str, said: str):
        (empty_folder / "dispatcher.yml").write_text(text)

        assert said in refusal()

    def test_an_unknown_key_names_the_known_ones(self):
        assert "service.retry.laddr: there is no such setting; known are ladder" == refusal(
            {"service": {"retry": {"laddr": []}}}
        )

    def test_an_unknown_key_beside_a_secret_names_its_file_too(self):
        assert "password, password_file" in refusal({"notifiers": {"email": {"passwort": "x"}}})

    def test_an_unknown_section_is_said(self):
        assert "notifier: there is no such setting; known are brokers, service, notifiers" == refusal({"notifier": {}})

    def test_an_unknown_variable_is_said(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("DISPATCHER_NOTIFIER__EMAIL__HOST", "x")

        assert refusal().startswith("the environment variable DISPATCHER_NOTIFIER__EMAIL__HOST is unknown; known are ")

    def test_each_fault_has_its_line(self):
        said = refusal({"service": {"retry": {"ladder": ["10s", "5s"]}, "drain_timeout": "soon"}})

        assert [
            "service.retry.ladder: the rungs of a ladder must grow, from a millisecond up",
            "service.drain_timeout: 'soon' is no duration; write it like 10s, 1m, 1h30m or 500ms",
        ] == said.splitlines()

    def test_a_missing_file_is_said(self):
        assert "the configuration nowhere.yml cannot be read: No such file or directory" == refusal(
            file_path="nowhere.yml"
        )

    def test_a_file_without_sections_is_said(self, empty_folder: Path):
        (empty_folder / "dispatcher.yml").write_text("- a list")

        assert "the configuration dispatcher.yml must hold sections, like 'notifiers:'" == refusal()

    def test_both_is_too_much(self):
        assert "give either values or file_path, not both" == refusal({}, file_path="x.yml")


def test_settings_cannot_be_changed():
    settings = setup({})

    with pytest.raises(ValueError, match="frozen"):
        settings.service = None  # type: ignore[assignment]
    assert isinstance(settings, Settings)
