"""The command line as its user meets it: a process, its output, its exit code."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dispatcher import __version__
from helpers.node import Node
from tests.cli.command import Result, run
from tests.daemon import MAIN
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
        for what in ("settings", "broker", "queue email", f"localhost:{smtp.port}"):
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
