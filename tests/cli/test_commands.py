"""The command line as its user meets it: a process, its output, its exit code."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatcher import __version__
from dispatcher.health import HealthPage
from dispatcher.main import main
from dispatcher.settings import HealthSettings
from dispatcher.words.health import Health, QueueHealth, State
from helpers.node import Node
from helpers.ports import free_port
from tests.cli.command import Result, run
from tests.daemon import MAIN
from tests.http_server import CUT, GARBAGE, HANG, Answer, HttpServer
from tests.smtp_server import SmtpServer

ROOT = Path(MAIN).parent.parent
SECRET = "hunter2"


async def test_the_version(tmp_path: Path):
    assert Result(0, f"dispatcher {__version__}\n", "") == await run("--version", folder=tmp_path)


async def test_as_a_module(tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dispatcher", "--version", cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()

    assert f"dispatcher {__version__}\n" == out.decode()


async def test_the_schema(tmp_path: Path):
    result = await run("schema", "email", folder=tmp_path)

    assert "urn:dispatcher:email:1" == json.loads(result.out)["$id"]


async def test_a_queue_that_there_is_not(tmp_path: Path):
    assert Result(2, "", "dispatcher: there is no queue fax; known are email, telegram, slack\n") == await run(
        "schema", "fax", folder=tmp_path
    )


@pytest.mark.parametrize("command", [[], ["run"], ["send", "email", "--template", "hello", "--to", "a@example.org"]])
async def test_wrong_settings_are_sentences_and_exit_code_2(tmp_path: Path, command: list[str]):
    result = await run(*command, folder=tmp_path, notifiers__email__hsot="x")

    assert 2 == result.code
    assert result.error.startswith("dispatcher: notifiers.email.hsot: there is no such setting; known are host, ")
    assert "Traceback" not in result.error


async def test_a_refused_login_is_a_sentence_and_exit_code_2(tmp_path: Path, node: Node):
    result = await run(folder=tmp_path, brokers__rabbitmq__url=node.url.replace("guest:guest", f"ada:{SECRET}"))

    assert 2 == result.code
    assert "refuses the login of user 'ada'; check brokers.rabbitmq.url" in result.error
    assert SECRET not in result.error + result.out
    assert "Traceback" not in result.error


async def test_where_the_libraries_are_missing_it_says_what_to_run(tmp_path: Path):
    bare = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable
    process = await asyncio.create_subprocess_exec(bare, "-S", MAIN, cwd=tmp_path, stderr=asyncio.subprocess.PIPE)
    _, error = await process.communicate()

    assert 2 == process.returncode
    assert error.startswith(b"Dispatcher's libraries are not installed for ")
    assert b"; run 'make install' in " in error


def test_whoever_closes_standard_error_is_served_all_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "argv", ["main.py", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()

    opened = sys.stderr
    opened.close()

    assert 0 == ended.value.code
    assert opened.name == os.devnull


async def test_the_package_is_found_once_and_hides_nothing(tmp_path: Path):
    """Started as a script, its folder must not stay on the path."""
    probe = (
        f"import runpy, sys; sys.path[0] = {str(Path(MAIN).parent)!r}; "
        f"sys.argv = ['main.py', '--version']\n"
        f"try: runpy.run_path({MAIN!r}, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('words', 'flow', 'cli', 'settings')])"
    )
    result = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", probe], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert [f"dispatcher {__version__}", "[]"] == result.stdout.splitlines()


@asynccontextmanager
async def a_daemon(health: Health) -> AsyncIterator[int]:
    """Give the port of a page of health that says this."""
    page = HealthPage(HealthSettings(port=free_port()), lambda: health, bytes)
    await page.start()
    yield page.port
    await page.close()


def lines_of(result: Result, what: str) -> list[tuple[str, str]]:
    """Give the mark and the text of each line of the table that is about this."""
    rows = [re.split(r"  +", line.strip(), maxsplit=2) for line in result.out.splitlines()]
    return [(row[0], row[2]) for row in rows if row[1:2] == [what]]


class TestCheck:
    """`dispatcher check`."""

    async def test_all_is_well(self, tmp_path: Path, node: Node, virtual_host: str):
        async with SmtpServer() as smtp:
            result = await run(
                "check",
                folder=tmp_path,
                brokers__rabbitmq__url=node.url + virtual_host,
                notifiers__email__port=smtp.port,
            )

        assert 0 == result.code, result.out
        assert "wrong" not in result.out
        for what in ("settings", "broker", "queue email", f"localhost:{smtp.port}", "journal", "daemon"):
            assert what in result.out
        for queue in ("email", "telegram", "slack"):
            number = len(list((ROOT / "templates" / queue).rglob("*.jinja2")))
            assert re.search(rf"ok +templates/{queue} +{number} of {number} compile", result.out)

    async def test_a_notifier_that_is_off_says_how_many_messages_wait(
        self, tmp_path: Path, node: Node, virtual_host: str
    ):
        url = node.url + virtual_host
        sending = ("send", "telegram", "--template", "t", "--to", "4711")
        for _ in range(3):
            assert 0 == (await run(*sending, folder=tmp_path, brokers__rabbitmq__url=url)).code

        result = await run("check", folder=tmp_path, brokers__rabbitmq__url=url)

        lines = [line.split(maxsplit=2) for line in result.out.splitlines()]
        assert ["ok", "telegram", "off, no token; 3 waiting"] in [[*map(str.strip, line)] for line in lines]
        assert ["ok", "slack", "off, no token and no webhook; 0 waiting"] in [[*map(str.strip, line)] for line in lines]

    async def test_each_fault_has_its_line_and_no_secret_is_shown(self, tmp_path: Path, node: Node):
        email = tmp_path / "templates" / "email"
        email.mkdir(parents=True)
        (email / "broken.html.jinja2").write_text("{% if %}")
        result = await run(
            "check",
            folder=tmp_path,
            brokers__rabbitmq__url=node.url.replace("guest:guest", f"ada:{SECRET}"),
            notifiers__email__port=9,
            notifiers__email__username="ada",
            notifiers__email__password=SECRET,
        )

        assert 1 == result.code
        wrong = [line for line in result.out.splitlines() if line.startswith("wrong")]
        assert ["broker", "email", "template", "templates/email"] == [line.split()[1] for line in wrong]
        assert "email/broken.html.jinja2:1" in result.out
        assert SECRET not in result.out + result.error

    async def test_no_sentence_is_broken_or_cut_where_it_goes_to_a_program(self, tmp_path: Path):
        name = "a/rather/long/name_of_a_template_as_it_may_be_found_in_a_folder_that_has_grown_for_years_and_years"
        template = tmp_path / "templates" / "email" / f"{name}.html.jinja2"
        template.parent.mkdir(parents=True)
        template.write_text("{% if %}")
        result = await run("check", folder=tmp_path, notifiers__email__port=9)

        (line,) = [line for line in result.out.splitlines() if "Expected an expression" in line]
        assert line.startswith(f"wrong  template email/{name}.html.jinja2")
        assert f"email/{name}.html.jinja2:1: Expected an expression, got 'end of statement block'" in line

    async def test_a_folder_of_templates_that_is_not_there_is_said(self, tmp_path: Path):
        result = await run("check", folder=tmp_path, service__templates__path="nowhere")

        assert 1 == result.code
        assert "templates in nowhere: there is no such folder; set service.templates.path" in result.out

    async def test_wrong_settings_are_a_line_too(self, tmp_path: Path):
        result = await run("check", folder=tmp_path, notifiers__email__port="x")

        assert 1 == result.code
        assert "notifiers.email.port" in result.out

    async def test_a_certificate_that_cannot_be_read_is_a_line_too(self, tmp_path: Path):
        (tmp_path / "ca.pem").write_text("no certificate")
        result = await run(
            "check", folder=tmp_path, notifiers__email__tls="starttls", notifiers__email__ca_file=tmp_path / "ca.pem"
        )

        assert 1 == result.code
        assert "ca.pem" in result.out
        assert "Traceback" not in result.error

    @pytest.mark.parametrize("order", [["--config", "my.yml", "check"], ["check", "--config", "my.yml"]])
    async def test_the_configuration_is_named_before_or_after_the_command(self, tmp_path: Path, order: list[str]):
        (tmp_path / "my.yml").write_text("notifiers: {email: {hsot: x}}")

        assert "notifiers.email.hsot: there is no such setting" in (await run(*order, folder=tmp_path)).out

    async def test_a_daemon_that_does_not_run_is_not_wrong(self, tmp_path: Path):
        port = free_port()
        result = await run("check", folder=tmp_path, service__health__port=port)

        assert [("ok", f"not running (nobody answers at 127.0.0.1:{port})")] == lines_of(result, "daemon")

    async def test_a_daemon_that_runs_and_is_ready(self, tmp_path: Path):
        async with a_daemon(Health({"email": QueueHealth(State.TAKING), "slack": QueueHealth(State.OFF)})) as port:
            result = await run("check", folder=tmp_path, service__health__port=port, service__health__host="0.0.0.0")

        assert [("ok", "ready")] == lines_of(result, "daemon")

    async def test_a_daemon_that_is_not_ready_says_why_of_each_queue(self, tmp_path: Path):
        since = datetime(2026, 11, 21, 12, tzinfo=UTC)
        queues = {
            "email": QueueHealth(State.PAUSED, since, "localhost:25 refused the connection"),
            "telegram": QueueHealth(State.TRYING, since, "it answers again"),
            "slack": QueueHealth(State.WAITING),
        }
        async with a_daemon(Health(queues, journal="no space left on device", stopping=True)) as port:
            result = await run("check", folder=tmp_path, service__health__port=port)
        async with a_daemon(Health()) as port:
            starting = await run("check", folder=tmp_path, service__health__port=port)

        assert 1 == result.code
        assert [
            ("wrong", "stopping: it finishes what is in hand and takes nothing new"),
            ("wrong", "email: paused since 2026-11-21T12:00:00Z: localhost:25 refused the connection"),
            ("wrong", "slack: waiting"),
            ("wrong", "journal: no space left on device"),
        ] == lines_of(result, "daemon")
        assert [("wrong", "starting: it serves no queue yet")] == lines_of(starting, "daemon")

    async def test_a_daemon_in_several_processes_says_what_is_wrong_with_one_of_them(self, tmp_path: Path):
        paused = QueueHealth(State.PAUSED, text="no answer", processes={State.PAUSED: 1, State.TAKING: 1})
        async with a_daemon(Health({"email": paused}, processes=(2, 3))) as port:
            result = await run("check", folder=tmp_path, service__health__port=port)

        assert [
            ("wrong", "2 of 3 processes run; the log says why"),
            ("wrong", "email: paused (1 of 2 processes): no answer"),
        ] == lines_of(result, "daemon")

    async def test_another_program_where_the_page_should_be(self, tmp_path: Path):
        async with HttpServer(Answer(200, "<h1>It works</h1>")) as server:
            for answer in (
                Answer(200, "<h1>It works</h1>"),
                Answer(200, {"ready": True}),
                Answer(200, b"[" * 100_000),
                Answer(200, b"x" * 2_000_000),
                Answer(302, "", {"Location": "/elsewhere"}),
                CUT,
                GARBAGE,
            ):
                server.answer("/health", answer)
                result = await run("check", folder=tmp_path, service__health__port=server.port)

                text = f"what answers at 127.0.0.1:{server.port} is no daemon of this version"
                assert [("wrong", f"{text}; give service.health.port a port of its own")] == lines_of(result, "daemon")

            assert {"/health"} == set(server.paths)

    async def test_a_page_that_does_not_answer(self, tmp_path: Path):
        async with HttpServer(HANG) as server:
            result = await run("check", folder=tmp_path, service__health__port=server.port)

        ((mark, text),) = lines_of(result, "daemon")
        assert "wrong" == mark
        assert text.startswith(f"no answer from 127.0.0.1:{server.port} within 2 s: ")

    async def test_a_host_that_there_is_not(self, tmp_path: Path):
        for host in ("no.such.host.invalid", "a b"):
            result = await run("check", folder=tmp_path, service__health__port=free_port(), service__health__host=host)

            ((mark, text),) = lines_of(result, "daemon")
            assert "wrong" == mark, text

    async def test_the_folder_of_the_journal_is_written(self, tmp_path: Path):
        result = await run("check", folder=tmp_path, service__journal__path=tmp_path)

        assert [("ok", f"in {tmp_path}")] == lines_of(result, "journal")

    async def test_a_folder_of_the_journal_that_is_not_there_is_left_to_the_daemon(self, tmp_path: Path):
        folder = tmp_path / "state" / "journal"
        result = await run("check", folder=tmp_path, service__journal__path=folder)

        assert [("ok", f"in {folder}, which is not there yet")] == lines_of(result, "journal")
        assert not folder.parent.exists()

    async def test_a_folder_of_the_journal_that_cannot_be_written_is_said(self, tmp_path: Path):
        (tmp_path / "file").write_text("")
        result = await run("check", folder=tmp_path, service__journal__path=tmp_path / "file" / "journal")

        assert 1 == result.code
        text = f"{tmp_path}/file/journal cannot be written: Not a directory; correct that, or set service.journal.path"
        assert [("wrong", text)] == lines_of(result, "journal")
