"""What goes to standard error."""

import json
import logging

import pytest
import structlog

from dispatcher.cli.log import set_up_log

SECRETS = [
    "https://api.telegram.org/bot1234567:AAF-abcdefghijklmnopqrstuvwxyz_0123456/sendMessage",
    "Authorization: Bearer xoxb-1234-5678-abcdefghij",
    "the answer was\nxoxb-9876-5432-abcdefghij",
    "https://hooks.slack.com/services/T000/B000/XXXXXXXX",
    "amqps://ada:hunter2@mq.example.org/shop",
]
NEVER = ["AAF-abc", "1234-5678", "9876-5432", "XXXXXXXX", "hunter2"]


pytestmark = pytest.mark.usefixtures("log_of_its_own")


@pytest.mark.parametrize("pretty", [True, False])
@pytest.mark.parametrize(("text", "secret"), list(zip(SECRETS, NEVER, strict=True)))
def test_a_secret_in_an_exception_of_a_library_is_hidden(
    text: str, secret: str, *, pretty: bool, capsys: pytest.CaptureFixture[str]
):
    set_up_log(pretty=pretty)
    error = RuntimeError(f"it failed: {text}")
    logging.getLogger("some.library").error("what happened to %s", text, exc_info=error)

    said = capsys.readouterr().err
    assert secret not in said
    assert "it failed" in said
    assert "[hidden]" in said


COMMANDS = "a\x1b[2J\r\nb\x9b2J\x7f\x85\u2028c\u202ed"


@pytest.mark.parametrize("pretty", [True, False])
@pytest.mark.parametrize("place", ["event", "field"])
def test_nothing_that_somebody_writes_commands_a_terminal(
    place: str, *, pretty: bool, capsys: pytest.CaptureFixture[str]
):
    set_up_log(pretty=pretty)
    if place == "event":
        logging.getLogger("dispatcher").warning("unknown: %s", COMMANDS)
    else:
        structlog.stdlib.get_logger("dispatcher").warning("unknown", field=COMMANDS)

    said = capsys.readouterr().err
    assert 1 == said.count("\n")
    assert not set(said) & set(COMMANDS.replace("\n", "")) - set("abcd[2J\x1b" if pretty else "abcd[2J\x7f")
    assert "\x1b[2J" not in said
    if not pretty:
        assert COMMANDS in json.loads(said)[place].removeprefix("unknown: ")


@pytest.mark.parametrize("before", ["\n", "\t", "\b", "\0"])
def test_a_control_character_before_a_secret_does_not_hide_it(before: str, capsys: pytest.CaptureFixture[str]):
    set_up_log(pretty=False)
    logging.getLogger("some.library").error("it said%sxoxb-1234-5678-abcdefghij", before)

    assert "1234-5678" not in capsys.readouterr().err


def test_the_libraries_that_would_log_addresses_are_quiet(capsys: pytest.CaptureFixture[str]):
    set_up_log(pretty=False, level="DEBUG")

    for name in ("httpx", "httpcore.http11", "telegram.Bot", "slack_sdk.web", "aiohttp.client"):
        logging.getLogger(name).error("https://example.org/?token")

    assert "" == capsys.readouterr().err
