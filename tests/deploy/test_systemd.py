"""The unit of systemd: what it says, and that the daemon works under all it forbids."""

import asyncio
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import pytest

from dispatcher.cli.serve import REFUSED, UNFINISHED
from dispatcher.config import setup
from dispatcher.crew.lead import GRACE
from dispatcher.settings import Settings
from dispatcher.words.errors import SettingsError
from helpers.node import Node
from helpers.ports import free_port
from tests.deploy.ear import Ear
from tests.deploy.unit import CONFIGURATION, FOLDER, PROGRAM, ROOT, UNIT, Unit
from tests.docs.pages import Page
from tests.management import Management
from tests.smtp_server import SmtpServer
from tests.waiting import until

PAGE = Page("deployment/systemd.md")
HERE = str(Path(sys.executable).with_name("dispatcher"))
BODY = b'{"template": "hello", "to": "ada@example.org", "subject": "Hi", "parameters": {"name": "Ada"}}'
OTHERS = "telegram: off: no token; slack: off: no token and no webhook"
READY = f"ready; email: taking; {OTHERS}"


@pytest.fixture
def unit() -> Unit:
    return Unit()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to start the daemon in, with a template."""
    (tmp_path / "templates" / "email").mkdir(parents=True)
    (tmp_path / "templates" / "email" / "hello.txt.jinja2").write_text("Hello {{ name }}")
    return tmp_path


@pytest.fixture
async def ear(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ear]:
    """A service manager that starts whatever the test starts."""
    with Ear(str(tmp_path_factory.mktemp("run") / "notify")) as ear:
        monkeypatch.setenv("NOTIFY_SOCKET", ear.address)
        yield ear


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]}
    )


def confinement(pid: int) -> tuple[str, str, int]:
    """Tell whether its system calls are filtered, whether it can get new rights, and which it could have."""
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return status["Seccomp"], status["NoNewPrivs"], int(status["CapBnd"], 16)


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


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

    def test_its_hardening_is_what_the_page_explains(self, unit: Unit):
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


async def publish(node: Node, virtual_host: str) -> None:
    async with await aio_pika.connect(node.url + virtual_host) as connection:
        channel = await connection.channel()
        await channel.default_exchange.publish(aio_pika.Message(BODY, message_id="m"), routing_key="email")


async def test_the_unit_starts_a_daemon_that_works_under_all_it_forbids(
    unit: Unit, node: Node, virtual_host: str, management: Management, folder: Path, ear: Ear
):
    """Its command line, environment, secrets, example configuration and filters; with paths moved to a folder."""
    await management.add_user("appserver", virtual_host, ".*", ".*", ".*")
    configuration = folder / "etc" / "dispatcher"
    (configuration / "secrets").mkdir(parents=True)
    (configuration / "secrets" / "rabbitmq-password").write_text("appserver\n")
    (configuration / "secrets" / "smtp-password").write_text("hunter2\n")
    (folder / "templates").rename(configuration / "templates")
    state, credentials = folder / "state", folder / "credentials"
    state.mkdir(mode=int(unit["StateDirectoryMode"], 8))
    moved = {CONFIGURATION: str(configuration), PROGRAM: HERE}
    unit.load_credentials(credentials, moved)
    async with SmtpServer(users={"dispatcher": "hunter2"}) as smtp:
        here = {
            "dispatcher@localhost:5672/": f"appserver@127.0.0.1:{node.amqp_port}/{virtual_host}",
            "host: smtp.example.org": "host: 127.0.0.1",
            "port: 587": f"port: {smtp.port}",
            "tls: starttls": "tls: none",
            "service:\n": f"service:\n  health: {{port: {free_port()}}}\n",
        }
        text = (FOLDER / "dispatcher.yml").read_text()
        for there, value in here.items():
            assert there in text
            text = text.replace(there, value)
        (configuration / "dispatcher.yml").write_text(text)
        with (folder / "log").open("wb") as log:
            started = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.deploy.confined", *unit.command(moved)),
                cwd=ROOT,
                env=unit.environment(moved, credentials, state) | {"NOTIFY_SOCKET": ear.address},
                stderr=log,
            )
        try:
            await until(lambda: started.returncode is not None or ear.status == READY, within=40)
            assert started.returncode is None, (folder / "log").read_text()
            await publish(node, virtual_host)
            await until(lambda: len(smtp.mails) == 1)
            words = unit["ExecReload"].replace("$MAINPID", str(started.pid))
            assert 0 == await (await asyncio.create_subprocess_exec(*shlex.split(words))).wait()
            await until(lambda: ear.order("READY", "RELOADING") == ["READY", "RELOADING", "READY"], within=40)
            await publish(node, virtual_host)
            await until(lambda: len(smtp.mails) == 2)

            processes = [started.pid, *children(started.pid)]
            assert {("2", "1", 0)} == {confinement(pid) for pid in processes}
            for pid in processes:  # KillMode=control-group
                os.kill(pid, signal.SIGTERM)
            assert 0 == await started.wait()
        finally:
            if started.returncode is None:
                started.kill()
                await started.wait()
    assert ["Hello Ada"] * 2 == [mail.message.get_content().strip() for mail in smtp.mails]
    assert (state / "journal").is_dir()
