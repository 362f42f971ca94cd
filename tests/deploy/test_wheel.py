"""`poetry build`: a wheel that runs in an empty environment, whatever folder it is started in."""

import asyncio
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from helpers.node import Node
from helpers.package import build
from tests.daemon import Daemon, environment
from tests.deploy.environment import install, metadata
from tests.smtp_server import SmtpServer
from tests.test_package import PROJECT, ROOT
from tests.waiting import until

TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.jinja2"))

CONFIGURATION = """
brokers: {{rabbitmq: {{url_file: broker}}}}
service: {{templates: {{path: templates}}, journal: {{path: state}}, health: {{port: 0}}, processes: 2}}
notifiers:
  email: {{port: {port}}}
  telegram: {{token: "4711:x", api_url: "http://127.0.0.1:1"}}
  slack: {{token: xoxb-x, api_url: "http://127.0.0.1:1"}}
"""
SEND = ("send", "email", "--template", "hello", "--to", "ada@example.org", "--param", "name=Ada", "--subject", "Hello")


@dataclass(frozen=True)
class Built:
    """What `poetry build` makes."""

    wheel: Path
    source: Path


class Installed(Daemon):
    """A daemon out of an installed package."""

    def __init__(self, command: Path, folder: Path, **settings: object) -> None:
        super().__init__(folder, measured=False, **settings)
        self.program = (str(command),)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    return Built(build("wheel", ROOT, folder), build("sdist", ROOT, folder))


@pytest.fixture(scope="module")
def plain(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel, without any extra."""
    return install(built.wheel, tmp_path_factory.mktemp("plain") / "venv")


@pytest.fixture(scope="module")
def whole(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with all extras."""
    return install(built.wheel, tmp_path_factory.mktemp("whole") / "venv", extras=["all"])


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with nothing of ours in it."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def contents(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def run(command: Path, *arguments: str, folder: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    usual = {"service__journal__path": folder / "journal", "service__health__port": 0}
    wanted = {name: value for name, value in {**usual, **settings}.items() if value is not None}
    known = environment(measured=False, **wanted)
    return subprocess.run(
        [command, *arguments], cwd=folder, env=known, capture_output=True, text=True, check=False, timeout=60
    )


class TestTheWheel:
    """What lies in it."""

    def test_has_the_package_and_the_shipped_templates_and_nothing_else(self, built: Built):
        own = {path.relative_to(ROOT).as_posix() for path in (ROOT / "dispatcher").rglob("*.py")}
        shipped = {f"dispatcher/{path.relative_to(ROOT).as_posix()}" for path in TEMPLATES}
        about = {name for name in names(built.wheel) if ".dist-info/" in name}

        assert own | shipped | {"dispatcher/templates/__init__.py"} == names(built.wheel) - about

    def test_is_for_every_machine(self, built: Built):
        assert built.wheel.name == f"dispatcher-{PROJECT['version']}-py3-none-any.whl"

    def test_offers_an_extra_for_each_notifier_that_needs_a_library(self, built: Built):
        extras = set(metadata(built.wheel).get_all("Provides-Extra") or [])

        assert {"telegram", "slack", "all"} == extras

    def test_comes_out_the_same_from_the_source_archive(self, built: Built, tmp_path: Path):
        with tarfile.open(built.source) as archive:
            archive.extractall(tmp_path, filter="data")
        source = tmp_path / built.source.name.removesuffix(".tar.gz")
        again = build("wheel", source, tmp_path)

        assert contents(built.wheel) == contents(again)
        assert (source / "docs" / "settings.md").exists()


class TestWithoutExtras:
    """Mails can be sent; what else is switched on is said to lack its library."""

    @pytest.mark.parametrize(
        ("queue", "token", "library"),
        [("telegram", "4711:x", "python-telegram-bot"), ("slack", "xoxb-x", "slack-sdk")],
    )
    def test_a_queue_that_is_switched_on_says_what_to_install(
        self, plain: Path, elsewhere: Path, queue: str, token: str, library: str
    ):
        settings = {f"notifiers__{queue}__token": token, "service__processes": 1}
        done = run(plain / "dispatcher", "run", folder=elsewhere, **settings)
        sentence = f"notifiers.{queue} needs {library}, which is not installed: pip install 'dispatcher[{queue}]'"

        assert (2, f"dispatcher: {sentence}\n") == (done.returncode, done.stderr)

    def test_check_says_it_too(self, plain: Path, elsewhere: Path):
        done = run(plain / "dispatcher", "check", folder=elsewhere, notifiers__telegram__token="4711:x")

        assert 1 == done.returncode
        assert "notifiers.telegram needs python-telegram-bot" in done.stdout

    def test_the_shipped_templates_are_there_and_compile(self, plain: Path, elsewhere: Path):
        unreachable = {"brokers__rabbitmq__url": "amqp://localhost:1/", "notifiers__email__port": 1}
        said = run(plain / "dispatcher", "check", folder=elsewhere, **unreachable).stdout
        lines = [" ".join(line.split()) for line in said.splitlines()]
        site = next((plain.parent / "lib").glob("python3.*/site-packages"))

        assert f"ok settings templates in {site}/dispatcher/templates" in lines
        assert [] == [line for line in lines if line.startswith("wrong template")]

    def test_the_schema_is_printed_for_whoever_has_no_checkout(self, plain: Path, elsewhere: Path):
        done = run(plain / "dispatcher", "schema", "telegram", folder=elsewhere)

        assert (ROOT / "docs" / "schema" / "telegram.json").read_text() == done.stdout

    def test_a_missing_library_is_a_sentence_that_fits_a_package(self, plain: Path, elsewhere: Path):
        done = subprocess.run(
            [
                plain / "python",
                "-c",
                "import sys; sys.modules['typer'] = None; from dispatcher.main import main; main()",
            ],
            cwd=elsewhere,
            capture_output=True,
            text=True,
            check=False,
        )

        assert 2 == done.returncode
        assert done.stderr.endswith(f"run '{plain / 'python'} -m pip install --force-reinstall dispatcher'.\n")


async def test_it_runs_with_templates_and_configuration_outside_of_the_package(
    whole: Path, elsewhere: Path, tmp_path: Path, node: Node, virtual_host: str
):
    etc = tmp_path / "etc"
    (etc / "templates" / "email").mkdir(parents=True)
    (etc / "templates" / "email" / "hello.txt.jinja2").write_text("Hello {{ name }}!\n")
    (etc / "broker").write_text(f"{node.url}{virtual_host}\n")
    async with SmtpServer() as smtp:
        (etc / "dispatcher.yml").write_text(CONFIGURATION.format(port=smtp.port))
        named = dict.fromkeys(("service__journal__path", "service__health__port", "service__processes"))
        named["config_file"] = etc / "dispatcher.yml"
        async with Installed(whole / "dispatcher", elsewhere, **named) as daemon:
            sent = await asyncio.to_thread(run, whole / "dispatcher", *SEND, folder=elsewhere, **named)
            await until(lambda: len(smtp.mails) == 1, what="the mail")
            daemon.terminate()
            code = await daemon.ended()

    assert (0, "") == (sent.returncode, sent.stderr)
    assert "Hello Ada!" in smtp.mails[0].message.get_content()
    assert 0 == code
    assert set() == left_in(elsewhere)
