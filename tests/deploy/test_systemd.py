"""The unit of systemd, what systemd makes of it, and the example configuration beside it."""

import os
import subprocess
from pathlib import Path

import pytest

from dispatcher.cli.serve import REFUSED, UNFINISHED
from dispatcher.config import setup
from dispatcher.crew.lead import GRACE
from dispatcher.settings import Settings
from dispatcher.words.errors import SettingsError
from tests.deploy.unit import CONFIGURATION, FOLDER, PROGRAM, UNIT, Unit
from tests.docs.pages import Page

PAGE = Page("deployment/systemd.md")


@pytest.fixture
def unit() -> Unit:
    return Unit()


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]}
    )


class TestTheUnit:
    def test_systemd_understands_all_of_it(self, tmp_path: Path):
        """But for the program, which is not installed here."""
        moved = tmp_path / UNIT.name
        moved.write_text(UNIT.read_text().replace(PROGRAM, "/bin/true"))
        done = analyze("verify", moved)

        assert (0, "") == (done.returncode, done.stderr)

    def test_little_is_exposed(self):
        """Of 10.0; under 3.0 is asked for."""
        done = analyze("security", "--offline=true", "--no-pager", "--threshold=15", UNIT)

        assert 0 == done.returncode, done.stdout[-500:]

    def test_its_hardening_is_what_the_page_explains(self):
        rows = {row[0] for row in PAGE.rows("## Hardening")}
        lines = UNIT.read_text().splitlines()
        hardening = lines[lines.index("NoNewPrivileges=yes") : lines.index("[Install]")]

        assert {line.partition("=")[0] for line in hardening if line and line[0] != "#"} == {
            name for cell in rows for name in cell.replace("`", "").split(", ")
        }

    def test_it_waits_for_a_drain_and_starts_again_only_what_may_succeed(self, unit: Unit):
        patience = float(unit["TimeoutStopSec"].removesuffix("s"))

        assert patience > Settings().service.drain_timeout.total_seconds() + 3 * GRACE
        assert [str(REFUSED), str(UNFINISHED)] == [unit["RestartPreventExitStatus"], unit["SuccessExitStatus"]]
        assert "on-failure" == unit["Restart"]

    def test_each_secret_is_loaded_may_be_missing_and_is_named_to_the_daemon(self, unit: Unit):
        names = [line.split(":")[0] for line in unit.said["LoadCredential"]]
        defaults = [line.split(":")[0] for line in unit.said["SetCredential"]]
        named = [line.partition("=%d/")[2] for line in unit.said["Environment"] if "%d/" in line]

        assert names == defaults == named
        assert names == [row[0] for row in PAGE.rows("## Secrets")]


class TestTheExample:
    """The configuration for a server, with the environment that the unit gives."""

    SECRETS = {  # noqa: RUF012 - it is read only
        "rabbitmq-password": "r",
        "smtp-password": "s\n",
        "telegram-token": "1234567:AAF-abcdefghijklmnopqrstuvwxyz_0123456",
        "slack-token": "xoxb-1",
        "slack-webhooks": '{"alerts": "https://hooks.slack.com/services/T000/B000/XXXX"}',
    }

    @pytest.fixture
    def read(self, unit: Unit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        """Read the settings as they are with these secrets."""

        def read(**secrets: str) -> Settings:
            folder = tmp_path / "secrets"
            folder.mkdir()
            for name, text in secrets.items():
                (folder / name).write_text(text)
            moved = {f"{CONFIGURATION}/secrets": str(folder), CONFIGURATION: str(FOLDER)}
            unit.load_credentials(tmp_path / "credentials", moved)
            for name, value in unit.environment(moved, tmp_path / "credentials", tmp_path).items():
                monkeypatch.setenv(name, value)
            return setup()

        return read

    def test_all_secrets_come_from_files(self, read):
        settings = read(**self.SECRETS)
        notifiers = settings.notifiers

        assert "r" == settings.brokers.rabbitmq.parsed.password
        assert ("dispatcher", "s") == (notifiers.email.username, notifiers.email.password.get_secret_value())
        assert [None] * 3 == [notifiers.email.off, notifiers.telegram.off, notifiers.slack.off]
        assert ["alerts"] == list(notifiers.slack.webhooks)
        assert FOLDER / "templates" == settings.service.templates.path

    def test_what_has_no_secret_is_off(self, read):
        notifiers = read(**{"smtp-password": "s"}).notifiers

        assert ("no token", "no token and no webhook") == (notifiers.telegram.off, notifiers.slack.off)

    def test_a_secret_that_is_asked_for_and_missing_is_said(self, read):
        with pytest.raises(SettingsError, match="a login needs both username and password; password is missing"):
            read()
